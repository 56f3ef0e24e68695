"""The stack on one machine: ``template.yaml`` served at 127.0.0.1, without Docker and AWS.

A development tool. It knows the features of AWS that the template uses, and no others. ``stack``
puts the parts together, and ``__main__`` is the command.

    template/   expands the template, as SAM and CloudFormation would
    store/      makes its tables, bucket, queues and rules, in moto or DynamoDB Local
    moto/       moto as a process: DynamoDB, S3, Systems Manager, SQS and EventBridge
    dynamodb/   DynamoDB Local as a process
    functions/  runs its functions in processes, and plays Lambda's Invoke API
    events/     takes events from the bus's queues to functions, and tells what became of them
    gateway/    serves its API as API Gateway does
    data/       the demo, and the banner that is printed when the stack serves
"""
