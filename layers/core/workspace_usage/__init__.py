"""The domain of workspace usage: who may see which agent executions, and how they are listed.

Nothing here knows a Lambda event. This is the map of its modules. A module imports only modules of
its own package and of packages below it, and no two modules import each other; a test checks both.

    recording              what happened on the platform → the tables
        recorder           applies changes to the tables, in any order
        count_requests     messages that ask for a workspace's rows to be counted
        writes             conditional writes, and what became of them
        merge              what the tables should hold of a row after a change
        events             the events that the platform sends → changes
        changes            what an event changes: a row, a token, a membership
        versions           which change of a subject wins
        payloads           what the platform sends, checked → rows, tokens, memberships
        reasons            why a payload is refused, in a sentence
        fields             how each field of a payload is read, and how large it may be
    summary                a question → what the listing's rows add up to
        summary            a scope and parameters → the body of the answer
        groups             which groups are named, and how sums are written
        query              the summary's parameters, checked
        buckets            a window's days, divided by an interval
        answer             the types of the summary's answer
    exporting              a question → a file
        exports            starts exports, and says how they stand
        exporter           writes an export's file, part by part
        queue              the messages that ask for that
        store              the table of exports
        files              the files in their bucket
        export             an export and its item: what is asked for, how far it is written
        query              what is asked for, checked
        answer             the types of the answers
        gzip_stream        one gzip file, written in parts
        formats            a row as a line of CSV or NDJSON
        formulas           texts that no spreadsheet takes for a formula
    listing                a question → an answer
        listing            a scope and parameters → the body of the answer
        page               one page out of the merged tables
        query              the listing's parameters, checked
        filters            the parameters that every question has, checked
        sizes              how large a row is in an answer, and how large it may be
        encoding           answers as JSON, with all digits
        answer             the answer's items: a row as a caller sees it
        presigning         presigned URLs of media
        min_date           the setting that hides what is older
    rollups                how many rows there are and what they add up to; begin with blocks
        seek               where a page begins
        sums               what rows add up to, by day and group
        counter            rows that are old enough or were changed → blocks
        writing            a workspace's counts, as the counter changes them
        reading            counts for a question, and what is believed of them
        build              rows → a block and its contents
        marks              what every writer puts before it writes late
        totals             a block's contents for summaries: what its rows add up to
        shown              what a row counts for in a summary
        facets             a block's contents for pages: by what rows are found, and where
        items              the counts' items
        blocks             the rule: how rows are counted, and when a count is believed
    rows                   what is listed
        store              the tables' rows, merged in the listing's order
        copies             the rows as the tables hold them, oldest first
        tables             the names of the tables
        row                a row, and its item in a table
        window             the days that a question covers
        position           a row's place in the order, its sort key, and the cursor
    access                 who may see what
        authorization      what a request presents → its caller's scope
        store              reads tokens and memberships
        items              their items in the tables
        context            a scope on its way through API Gateway
        scope              memberships, and the scopes that they give
        tokens             access tokens, and when they are valid
    aws                    how AWS is called
        reader             reads without botocore; botocore is the fallback
        clients            botocore's clients, with limits
        client_validation  makes botocore's clients refuse damaged responses
        transactions       several writes, all or nothing
        batch_writes       many writes in few calls
        snapshot           what a SnapStart snapshot contains
        connections        connections that are kept
        validation         which responses are accepted
        http1              HTTP responses of the simplest kind
        sigv4              AWS's signatures
        credentials        whose credentials are used
        session            botocore's session
        environment        what the environment says of AWS: region, endpoints
        endpoints          the domains of AWS's regions
        backoff            the wait before another attempt
        packing            JSON in few bytes, as an attribute
        dynamodb           DynamoDB's items, and the pages of a long response
        errors             failed calls as errors of the domain
    messages               texts for callers, in three languages
    values                 ids, timestamps, numbers and dates, read strictly
    errors                 what can go wrong
"""
