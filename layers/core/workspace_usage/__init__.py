"""The domain of workspace usage: who may see which agent executions, and how they are listed.

Nothing here knows a Lambda event. This is the map of its modules. A module imports only packages
that stand below its own, and no two modules import each other; a test holds both.

    recording          what happened on the platform → the tables
        recorder       applies changes to the tables, in any order
        events         the events that the platform sends → changes
        payloads       what the platform sends, checked → rows, tokens, memberships
        fields         how each field of a payload is read, and how large it may be
        reasons        why a payload is refused, in a sentence
        versions       which of several changes of one subject counts
        writes         conditional writes, and what became of them
    listing            a question → an answer
        listing        a scope and parameters → the body of the answer
        query          the parameters, checked
        page           one page out of the merged tables
        answer         the answer's items: a row as a caller sees it
        presigning     presigned URLs of media
        min_date       the setting that hides what is older
        sizes          how large a row is in an answer, and how large it may be
    rollups            how many rows there are, for pages far down
        seek           where a page begins
        counting       rows that are old enough → counts
        rebuilding     a whole workspace counted from the beginning
        counts         counts changed in transactions
        items          the counts' items
    rows               what is listed
        store          the tables' rows, merged in the listing's order
        window         the days that a question covers
        tables         the names of the tables
        row            a row, and its item in a table
        position       a row's place in the order, its sort key, and the cursor
    access             who may see what
        authorization  what a request presents → its caller's scope
        store          the tables of tokens and memberships
        context        a scope on its way through API Gateway
        items          their stored items
        tokens         access tokens, and when they are valid
        scope          memberships, and the scopes that they give
    aws                how AWS is called
        snapshot       what a SnapStart snapshot contains
        clients        botocore's clients, with limits
        reader         reads without botocore
        connections    connections that are kept
        client_validation  botocore clients that refuse damaged responses
        validation     which of AWS's responses are accepted
        http1          HTTP responses of the simplest kind
        sigv4          AWS's signatures
        credentials    whose credentials are used
        session        botocore's session
        endpoints      the domains of AWS's regions
        errors         failed calls as errors of the domain
        dynamodb       DynamoDB's items
    messages           texts for callers, in three languages
    values             ids, timestamps, numbers and dates, read strictly
    errors             what can go wrong
"""
