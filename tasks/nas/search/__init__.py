"""Search strategies behind one ask/tell interface, and how they are judged without training."""
