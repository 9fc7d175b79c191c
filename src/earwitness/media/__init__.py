"""Pictures, clips and sounds: files in, values out, and back."""

from earwitness.media.folder import (
    SCENE_FILE,
    STEMS,
    read_scene,
    stem_file,
    write_flac,
    write_scene,
)
from earwitness.media.output import beside, folder_beside
from earwitness.media.pictures import Picture, read_picture
from earwitness.media.wav import SUBTYPES, Subtype, WavWriter, write_wav

__all__ = [
    "SCENE_FILE",
    "STEMS",
    "SUBTYPES",
    "Picture",
    "Subtype",
    "WavWriter",
    "beside",
    "folder_beside",
    "read_picture",
    "read_scene",
    "stem_file",
    "write_flac",
    "write_scene",
    "write_wav",
]
