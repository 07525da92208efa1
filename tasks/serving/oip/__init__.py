"""The Open Inference Protocol, version 2, over REST, with Triton's extensions.

https://github.com/kserve/open-inference-protocol (`inference_rest.md`) and the pages of extensions
of https://github.com/triton-inference-server/server/tree/main/docs/protocol: binary data,
classification, model repository, model configuration, statistics.
"""
