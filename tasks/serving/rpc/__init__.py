"""TensorFlow Serving's gRPC interface: `messages`, `tensors`, and the `calls` made of them.

The server needs no TensorFlow: its messages are built from `serving.proto` beside, which says the
names and numbers of those in https://github.com/tensorflow/serving (tensorflow_serving/apis).
"""
