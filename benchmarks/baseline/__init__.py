"""The baseline: the same answers, as a good team would write them in a day.

boto3's resources, Powertools' resolver with validation, a pydantic model for each item, botocore's
presigned URLs, one query after the other. It is measured, never deployed.
"""
