"""Makes ``openapi.json``, which describes the API to machines (OpenAPI 3.1).

``make openapi`` writes it. A test fails if the file differs from what the code makes.

    document    the whole document, from the parts below
    operations  what each route of the template answers
    texts       what the document says about operations, parameters, statuses and headers
    parameters  query models → parameters, and the fields of bodies
    body        query models → bodies of requests
    schemas     the types of answers → schemas
    examples    real answers of the demo; those about exports are in export_examples
"""
