"""AWS as far as awslambdaproxy knows it: moto behind a front that is as strict as AWS and runs what is invoked.

    product ──AWS_ENDPOINT_URL──▶ server ─▶ callers (whose key? signed right?) ─▶ faults (what a test ordered)
                                    ─▶ needs + policy (may it?) ─▶ lifecycle (Pending, 409, roles that are too new)
                                    ─▶ moto, or for Invoke: machine (the uploaded zip in the local Lambda)
    test ──a JSON line each way────▶ control

One process serves many accounts at once, so that tests share its start and nothing else; a key belongs to one account.

Never: nothing that comes over HTTP changes the front itself; that is done on its standard input alone.
"""
