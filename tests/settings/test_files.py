from pathlib import Path

import pytest

from settings import SettingsError
from settings.files import check_readable


def test_each_file_that_cannot_be_read_is_named_with_its_key(tmp_path: Path) -> None:
    there = tmp_path / "ca.pem"
    there.write_text("any")
    check_readable(broker__tls__ca_file=there, broker__password_file=None)
    with pytest.raises(SettingsError) as caught:
        check_readable(broker__tls__ca_file=there, broker__tls__key_file=tmp_path / "key", store__token_file=tmp_path)
    assert str(caught.value).splitlines() == [
        f"{tmp_path}/key: broker.tls.key_file: cannot be read: No such file or directory (check the path, and who may read it)",
        f"{tmp_path}: store.token_file: cannot be read: Is a directory (check the path, and who may read it)",
    ]
