"""The bootstrap's JSON is that of the module `json`. Run with `python3 -m unittest` in this folder."""

import decimal
import json
import sys
import unittest

import bootstrap

REFERENCE = json.JSONEncoder(ensure_ascii=sys.version_info < (3, 12)).encode


def outcome(function, *arguments):
    """The result or the error, comparable."""
    try:
        return repr(function(*arguments))
    except Exception as error:
        return type(error), str(error)


class Json(unittest.TestCase):
    def test_results_are_written_as_the_module_writes_them(self):
        circle = []
        circle.append(circle)
        encode = bootstrap.encoder()
        values = [
            None, True, 1, 1.5, -0.0, 1e300, float("nan"), float("inf"), 10**40, "", "caf\u00e9 \u2028 \ud800",
            "\x00\"\\/", [], {}, (1, 2), {"a": [1, {"b": (1, 2)}]}, {1: 2, None: 3, True: 4, 1.5: 6},
            decimal.Decimal(1), {(1, 2): 3}, object, b"x", {1, 2}, circle,
        ]  # fmt: skip
        for value in values:
            self.assertEqual(outcome(encode, value), outcome(REFERENCE, value), repr(value))

    def test_events_are_read_as_the_module_reads_them(self):
        texts = [
            "1", "-1", "1e5", "123456789012345678901234567890", '""', '"x"', "[NaN, Infinity, -Infinity]",
            '{"a": [1, 2.5, null, true, "\\u00e9\\ud83d\\ude00"]}', '{"a": 1, "a": 2}',
            "", "{", "[1,]", "nul", "1 2", '"a', '{"a" 1}', "\x00", '"\x01"', "[1}", "[" * 100000,
        ]  # fmt: skip
        for text in texts:
            self.assertEqual(outcome(bootstrap.loads, text), outcome(json.loads, text), text[:20])
            self.assertEqual(outcome(bootstrap.loads, text.encode()), outcome(json.loads, text), text[:20])
        self.assertEqual(bootstrap.loads(b" \n[] \t"), [])

    def test_none_of_it_needs_the_module(self):
        import subprocess

        code = "import sys, bootstrap; bootstrap.loads('[1]'); bootstrap.encoder()([1]); sys.exit('json' in sys.modules)"
        self.assertEqual(subprocess.run([sys.executable, "-S", "-c", code]).returncode, 0)


if __name__ == "__main__":
    unittest.main()
