"""The baseline: the same answers from code as a good team would write it in a day.

It uses boto3's resources, Powertools' resolver with validation, a pydantic model for each item,
botocore's presigned URLs, and one Query after the other. It is measured, and never deployed.
"""
