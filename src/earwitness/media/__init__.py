"""Pictures, clips and sounds: files in, values out, and back."""

from earwitness.media.folder import (
    SCENE_FILE,
    STEMS,
    check_replaceable,
    keep_previous,
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
    "check_replaceable",
    "folder_beside",
    "keep_previous",
    "read_picture",
    "read_scene",
    "stem_file",
    "write_flac",
    "write_scene",
    "write_wav",
]
