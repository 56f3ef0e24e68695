"""Runs scanners on the templates and workflows, and compares what they find with ``scanners.toml``.

__main__    runs all of them: ``python -m tools.scan``, which is ``make scan``
findings    what a scanner found, and the reason for which it stays
reasons     reads scanners.toml, and compares it with the findings
expansion   the templates as CloudFormation would read them
programs    runs a scanner's program
linters     cfn-lint and checkov
guard       cfn-guard, with AWS's rules
workflows   zizmor and the schemas of GitHub's files
"""
