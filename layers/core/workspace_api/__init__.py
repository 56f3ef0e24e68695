"""What the Lambda functions share: how an event becomes a call of the domain, and what comes back.

Each module is about one part of that.

    endpoint      an endpoint's requests and direct invocations → its answer
    responder     answers and errors → responses to requests
    scopes        who calls, and whose rows they may see
    history       the tables and the setting that answers are read from
    gateway       reads API Gateway's events
    responses     API Gateway's responses
    policies      the authorizer's policies
    batches       applies each message of an SQS batch by itself
    dead_letters  sends what can't be applied to the dead-letter queue
    outcomes      metrics and log lines
    settings      each function's environment, read once
    page_settings  that of the page function, for which no other has to load it
"""
