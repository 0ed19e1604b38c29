package assign

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// gitHub is for the files of GITHUB_ENV, appended to.
func gitHub(vars []Variable, random io.Reader) (string, error) {
	return lines("github", func(v Variable) (string, error) { return GitHubEntry(v.Name, v.Value, random) })(vars, random)
}

// GitHubEntry is an entry of the command files of GitHub's runner (GITHUB_ENV,
// GITHUB_OUTPUT, GITHUB_STATE): a here-document, which is right for every value,
// between lines that nobody could foresee and value does not contain. The caller
// sees to the name, which the runner cuts at "=" or "<<". A value that is not
// text and a random source that fails are errors.
func GitHubEntry(name, value string, random io.Reader) (string, error) {
	if strings.ContainsRune(value, 0) || !utf8.ValidString(value) {
		return "", errors.New("found a value that is not text, expected UTF-8 without NUL")
	}
	delimiter, err := delimiter(value, random)
	if err != nil {
		return "", err
	}
	return name + "<<" + delimiter + "\n" + value + "\n" + delimiter + "\n", nil
}

// delimiter returns a line that nobody could foresee and value does not contain.
func delimiter(value string, random io.Reader) (string, error) {
	const attempts = 3 // one is enough unless the random source is broken
	for range attempts {
		var b [16]byte
		if _, err := io.ReadFull(random, b[:]); err != nil {
			return "", fmt.Errorf("no random delimiter: %w", err)
		}
		if d := "modferry_" + hex.EncodeToString(b[:]); !strings.Contains(value, d) {
			return d, nil
		}
	}
	return "", errors.New("no random delimiter: the value contains each that was tried")
}
