"""The same model behind other servers, each in an environment of its own.

`fastapi_server`, `litserve_server`, `mlserver_model` and `bentoml_service` are run there;
`starting` starts them.
"""
