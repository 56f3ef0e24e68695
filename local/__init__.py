"""The stack on one machine: ``template.yaml``, served at 127.0.0.1 without Docker and without AWS.

A development tool. It does what the template says, the way AWS would, and nothing more:
``template`` expands it, ``store`` and ``provision`` make its tables, bucket and parameter,
``functions`` runs its functions, ``gateway`` serves its API, and ``stack`` puts them together.
"""
