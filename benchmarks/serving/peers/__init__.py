"""The same model behind other servers, each in an environment of its own.

`fastapi_server`, `litserve_server`, `mlserver_model`, `bentoml_service`, `rayserve_server` and
`mlflow_server` are run there; `starting` starts them.
"""
