"""A program that signs with gpg, tested with unittest or pytest:

    gripgate testkit --key bob -- python3 -m unittest
    gripgate testkit --key bob -- pytest
"""

import json
import os
import re
import subprocess
import unittest

CONTROL = os.environ["GRIPGATE_TESTKIT_CONTROL"]
TRANSCRIPT = os.environ["GRIPGATE_TESTKIT_TRANSCRIPT"]


def sign(text):
    """Stands for the program under test."""
    return subprocess.run(
        ["gpg", "--batch", "--clearsign"], input=text, text=True, capture_output=True
    )


def pinentry(*answers):
    """From now on the person at the pinentry does this."""
    script = os.path.join(CONTROL, "pinentry.json")
    with open(script + ".next", "w") as file:
        json.dump(answers, file)
    os.replace(script + ".next", script)


class SignTest(unittest.TestCase):
    def setUp(self):
        self.start = os.path.getsize(TRANSCRIPT)

    def dialogue(self):
        """What has been said since this test began."""
        with open(TRANSCRIPT, encoding="ascii") as file:
            file.seek(self.start)
            return file.read()

    def assert_times(self, pattern, times):
        dialogue = self.dialogue()
        found = re.findall(pattern, dialogue, re.MULTILINE)
        self.assertEqual(len(found), times, f"{pattern} in\n{dialogue}")

    def test_no_second_try_after_a_cancel_at_the_second_prompt(self):
        pinentry({"pin": "not it"}, "cancel")
        result = sign("a text\n")
        self.assertEqual(result.returncode, 2)
        self.assertIn("Operation cancelled", result.stderr)
        self.assert_times(r"^pinentry \d+ > GETPIN$", 2)
        self.assert_times(r"^program \d+ > PKSIGN$", 1)

    def test_signs_with_the_right_pin(self):
        pinentry({"pin": "abc"})
        result = sign("a text\n")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("BEGIN PGP SIGNATURE", result.stdout)
        self.assert_times(r"^program \d+ > PKSIGN$", 1)


if __name__ == "__main__":
    unittest.main()
