"""Cells beside hand-made networks, at a width that mixes channels: one comparison on equal terms.

The claim: cells beat hand-made networks of equal cost, in classification and as the backbone of
Faster R-CNN. Earlier comparisons here could not test it: with the CIFAR stem at 96 px and 26 M
multiply-adds NASNet-A had 2.75 filters, a twelfth of the narrowest network of the paper, and 58 %
of its multiply-adds mixed no channels; backbones differed in the strides and anchors of their
detectors. Here

- NASNet-A has the ImageNet stem, N = 2 and 21.9 filters at 21 M multiply-adds and 96 px: 28 % of
  them mix no channels. A ResNet (two blocks a stage), MobileNetV2 and AmoebaNet-A have the ImageNet
  stem and the same multiply-adds (5 %);
- photos are those of `imagenette_sub`, read by path: of its 1,800 training photos 300 are set aside
  to choose by, its 500 others are the test, which is looked at once, when all trainings have ended;
- learning rates are chosen on the validation split for each network, seed 0 (wider ResNets take the
  ResNet's); trainings of one seed see one order of images; five seeds for NASNet-A and the ResNet,
  three for the others;
- detectors begin with the weights of the classifier of their seed and keep its batch norm
  statistics; every backbone gives maps of strides 8, 16 and 32 px with anchors of 16, 32 and 64 px;
  scenes are generated, with exact boxes: 1,000 to train on, 200 to choose the rate by, 400 to test.

Equal cost has three meanings. The cells are compared with the ResNet of equal multiply-adds; and,
as a ResNet of equal multiply-adds costs a quarter of the CPU seconds, with ResNets of equal CPU
seconds of training and of equal milliseconds of inference (one image, batch norms folded): scores
of ResNets of 1, 6 and 14 times the multiply-adds, interpolated by seed, linearly in the log of the
cost. All costs are medians over turns in one process of one thread.

``cells_minus_resnet_acc``, ``…_map``: NASNet-A less the ResNet, points, at equal multiply-adds;
``…_cpu``, ``…_ms`` at equal seconds and milliseconds; ``cells_minus_<other>_…`` and
``<other>_minus_resnet_…`` alike. Mean over seeds, paired, with its 95 % t interval.
``compared_acc_<network>``, ``compared_map_<network>``: mean test score. ``last_tenth_gain_…``: what
the last tenth of a curve (of a detector's six scores the last one) gained on the validation split;
``doubled_epochs_gain_…``: what twice the epochs gain there, seed 0. Unless these are small, curves
are not flat and the comparison is one of speeds of learning. ``classifier_…``, ``detector_…``:
costs and chosen rates.

**Plan.** CPU seconds of one step (50 photos; 8 scenes), one thread, AMD EPYC, commit 6dfcb3a:
NASNet-A 0.13 and 0.09, AmoebaNet-A 0.14, MobileNetV2 0.16 and 0.10, the ResNet 0.06 and 0.07, of 6
times its multiply-adds 0.23 and 0.12, of 14 times 0.48 and 0.18. A classifier's 60 epochs are 1,800
steps, a detector's training 1,200. One photo takes NASNet-A 7.4 ms, the ResNets 1.5, 4.1 and
8.7 ms, so the cells lie between them on both axes.

| part | trainings | core-hours |
| --- | --- | --- |
| `comparison_costs` | none | 0.02 |
| `comparison_rates` | 4 networks, 5 rates | 1.5 |
| `comparison_acc` | the seeds that are left, and the test | 1.9 |
| `comparison_doubled` | NASNet-A and the ResNet, 120 epochs | 0.2 |
| `comparison_map` | 5 backbones, 3 rates, then 3 seeds | 1.6 |

5.2 core-hours in all, half of that on the clock: two trainings run at a time, in processes of one
thread. Parts go in this order; any of them may be ended at any moment, by a signal too, and given
again, over several sessions::

    timeout 480 python -m benchmarks.nas --parts comparison_rates

goes on where it was: trainings after their last epoch, or for detectors after the last of six
scores. What is kept lies in `artifacts/bench/nas_comparison`; figures of a part that has ended lie
with those of the other parts, and the results file holds the parts that are there.
"""
