"""Air takes from sound what ISO 9613-1 says."""

from __future__ import annotations

import numpy as np
import pytest

from earwitness.scene import Air
from earwitness.space.air import absorption_db_per_m, air_response, compact_air_response

# ISO 9613-2:1996, table 2, computed after ISO 9613-1: °C, % → dB/km from 63 Hz to 8 kHz, at the
# exact middles of the octave bands.
BANDS_HZ = 1000 * 10.0 ** (0.3 * np.arange(-4, 4))
TABLE = {
    (10.0, 70.0): [0.1, 0.4, 1.0, 1.9, 3.7, 9.7, 32.8, 117.0],
    (20.0, 70.0): [0.1, 0.3, 1.1, 2.8, 5.0, 9.0, 22.9, 76.6],
    (30.0, 70.0): [0.1, 0.3, 1.0, 3.1, 7.4, 12.7, 23.1, 59.3],
    (15.0, 20.0): [0.3, 0.6, 1.2, 2.7, 8.2, 28.2, 88.8, 202.0],
    (15.0, 50.0): [0.1, 0.5, 1.2, 2.2, 4.2, 10.8, 36.2, 129.0],
    (15.0, 80.0): [0.1, 0.3, 1.1, 2.4, 4.1, 8.3, 23.7, 82.8],
}


@pytest.mark.parametrize("weather", TABLE)
def test_coefficients_are_those_of_the_standards_table(weather):
    air = Air(temperature_c=weather[0], humidity_percent=weather[1])
    found = 1000 * absorption_db_per_m(BANDS_HZ, air)
    np.testing.assert_allclose(found, TABLE[weather], rtol=0.004, atol=0.05)


@pytest.mark.parametrize("distance_m", [1.0, 30.0, 300.0, 1000.0])
@pytest.mark.parametrize("rate_hz", [16000, 44100, 48000, 96000])
def test_the_compact_filter_is_within_half_a_decibel_up_to_10_khz(distance_m, rate_hz):
    air = Air(temperature_c=20, humidity_percent=70)
    reach = 64 * round(0.0107 * rate_hz / 64)
    size = 16384
    response = compact_air_response([distance_m], rate_hz, size, air, reach=reach)[0]
    frequency = np.arange(size // 2 + 1) * rate_hz / size
    heard = (frequency > 20) & (frequency < min(10000, 0.45 * rate_hz))
    wanted = -distance_m * absorption_db_per_m(frequency[heard], air)
    audible = wanted > -60
    found = 20 * np.log10(np.maximum(response[heard][audible], 1e-9))
    assert np.abs(found - wanted[audible]).max() < 0.5


def test_the_compact_filter_is_as_short_as_it_says():
    response = compact_air_response([500.0], 48000, 8192, Air(), reach=512)[0]
    pulse = np.fft.irfft(response, n=8192)
    assert np.abs(pulse[512:-511]).max() < 1e-7


def test_farther_is_never_brighter():
    response = air_response([1, 10, 100, 1000, 1e6], 48000, 4096, Air())
    assert (np.diff(response, axis=0) <= 0).all()
    assert np.isfinite(response).all()
    assert (response[:, 0] == 1).all()


def test_nothing_changes_close_by():
    response = compact_air_response([0.0], 48000, 8192, Air(), reach=512)[0]
    np.testing.assert_allclose(response, 1.0, atol=1e-5)
