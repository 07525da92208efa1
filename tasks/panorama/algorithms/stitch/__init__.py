"""From fitted images to one panorama: warping, seams, blending, the gate."""
