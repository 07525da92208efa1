"""From placed images to one panorama: seams, blending, measuring, the gate."""
