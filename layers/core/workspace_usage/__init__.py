"""The domain of workspace usage: who may see which agent executions, and how they are listed.

Nothing here knows a Lambda event. Each module is one idea and imports only what lies below it:

    listing                       a question → the whole answer
    history                       pages out of the three tables' merged rows
    store                         the tables' rows in sort-key order
    media                         signed links
    query, window                 what is asked
    recording                     changes applied to the tables, in any order
    events                        what the platform says has happened → changes
    writes, versions              conditional writes; which of several changes counts
    directory                     tokens and memberships, read from their tables
    min_date                      the app setting that hides what is older
    records                       what producers send, checked → rows, tokens, memberships
    fields, reasons               the types of a record's fields; why a record is refused
    sizes, items                  how large a row is in an answer; a row as the answer shows it
    access                        tokens, membership, scope
    rows, position                a stored row; its place in the order
    calls, aws                    reads from AWS at little cost; botocore's clients, with limits
    answers                       which answers of AWS are believed
    signing, partitions           AWS's signatures; its domains
    settings, failures            configuration; what becomes of a failed call
    messages, values, errors      the ground
"""
