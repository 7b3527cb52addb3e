# SPDX-License-Identifier: Apache-2.0
"""The checks of tools/ find what they are for."""
import os
import pathlib
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ.get("WSB_SOURCE", pathlib.Path(__file__).parents[2]))
sys.path.insert(0, str(SOURCE / "tools"))
import check_layers  # noqa: E402
import check_size  # noqa: E402


class Tools(unittest.TestCase):
    def tree(self, files):
        root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        return root

    def test_include_upwards_is_found(self):
        root = self.tree({"engine/base/a.h": '#include "engine/isa/b.h"\n', "engine/isa/b.h": ""})
        self.assertEqual(len(check_layers.check(root)), 1)

    def test_include_downwards_is_fine(self):
        root = self.tree({"engine/base/a.h": "", "engine/isa/b.h": '#include "engine/base/a.h"\n'})
        self.assertEqual(check_layers.check(root), [])

    def test_cycle_is_found(self):
        root = self.tree({"engine/base/a.h": '#include "engine/base/b.h"\n',
                          "engine/base/b.h": '#include "engine/base/a.h"\n'})
        self.assertIn("include cycle", check_layers.check(root)[0])

    def test_the_project_itself(self):
        self.assertEqual(check_layers.check(SOURCE), [])

    def test_long_files_are_found(self):
        root = self.tree({"long.cpp": "\n" * 801, "middling.cpp": "\n" * 601, "short.cpp": "\n" * 600})
        found = check_size.check(sorted(root.iterdir()))
        self.assertEqual([failure for _, failure in found], [True, False])


if __name__ == "__main__":
    unittest.main()
