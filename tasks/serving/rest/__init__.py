"""TensorFlow Serving's REST interface: addresses (`paths`), requests (`bodies`), `answers`.

Source: https://www.tensorflow.org/tfx/serving/api_rest, and the tests of its handler.
"""
