package failure_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/modferry/modferry/internal/failure"
)

func TestNeutralTextIsHarmless(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"ordinary text stays as it is", `404 Not Found: module "a.test/b" – is gone (50 %)`, `404 Not Found: module "a.test/b" – is gone (50 %)`},
		{"other scripts stay as they are", "模块不存在 · не найдено", "模块不存在 · не найдено"},
		{"an empty text stays empty", "", ""},
		{"line ends become a space", "first\nsecond\r\nthird\rfourth", "first second third fourth"},
		{"the line ends of Unicode become a space", "a\u2028b\u2029c\u0085d\ve\ff", "a b c d e f"},
		{"runs of blanks become one space and vanish at the ends", " \t a \u00a0\u3000 b \n", "a b"},
		{"colour sequences vanish", "\x1b[1;31mred\x1b[0m \u009b4mline\u009b0m", "red line"},
		{"an unfinished colour sequence loses its escape", "a\x1b[31", "a[31"},
		{"a sequence with a strange end loses its escape", "a\x1b[31\x07b\x1b[é", "a[31b[é"},
		{"a title sequence loses its controls", "\x1b]0;pwned\x07x", "]0;pwnedx"},
		{"the erase of a live line vanishes", "ok\r\x1b[2K\x1b[1Aevil", "ok evil"},
		{"controls vanish", "a\x00b\x07c\x08d\x7fe\u0080f\u009fg", "abcdefg"},
		{"bidi overrides and isolates vanish", "a\u202eb\u202cc\u2066d\u2069e\u200ef\u061cg", "abcdefg"},
		{"invisible characters vanish", "a\u200bb\u200dc\ufeffd\u00ade\U000e0041f\u2060g", "abcdefg"},
		{"bytes that are not UTF-8 are replaced", "a\xffb\xc3", "a\ufffdb\ufffd"},
		{"a workflow command is broken up", "::error file=x,line=1::pwned", ": :error file=x,line=1::pwned"},
		{"blanks before a workflow command do not help", " \t::set-output name=a::b", ": :set-output name=a::b"},
		{"invisible characters before a workflow command do not help", "\u200b\x1b[0m::error::x", ": :error::x"},
		{"invisible characters within a workflow command do not help", ":\u200b:error::x", ": :error::x"},
		{"several colons are broken up until none leads", "::::error", ": :::error"},
		{"colons within the text stay", "std::string at a::b", "std::string at a::b"},
		{"an old workflow command is broken up anywhere", "see ##[error]pwned", "see # #[error]pwned"},
		{"an old workflow command with more signs is broken up", "###[group]x", "## #[group]x"},
		{"another system's command is broken up", "##vso[task.setvariable variable=a]b ##teamcity[x]", "# #vso[task.setvariable variable=a]b # #teamcity[x]"},
		{"a command hidden by invisible characters is broken up", "#\u200b#\x1b[0m[error]x", "# #[error]x"},
		{"a heading stays as it is", "## heading [1]", "## heading [1]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := failure.Neutral(tt.in); got != tt.want {
				t.Errorf("Neutral(%q)\n got %q\nwant %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestNeutralIsBounded(t *testing.T) {
	t.Parallel()
	if got := failure.Neutral(strings.Repeat("é", 500)); utf8.RuneCountInString(got) != 500 || strings.HasSuffix(got, "…") {
		t.Errorf("500 characters became %d, want all of them", utf8.RuneCountInString(got))
	}
	got := failure.Neutral(strings.Repeat("é", 501))
	if utf8.RuneCountInString(got) != 500 || !strings.HasSuffix(got, "é…") {
		t.Errorf("501 characters became %d, want 500 with an ellipsis at the end", utf8.RuneCountInString(got))
	}
	if got := failure.Neutral(strings.Repeat("x ", 400)); !strings.HasSuffix(got, "x…") {
		t.Errorf("the text was cut to %q at the end, want no space before the ellipsis", got[len(got)-8:])
	}
}

func TestPlainHidesCredentials(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in string }{
		{"in a URL", "get https://u:s3cret@mirror.example.test/x"},
		{"behind a control character", "get https://u:\x00s3cret@mirror.example.test/x"},
		{"split by a control character", "get https:/\x01/u:s3cret@mirror.example.test/x"},
		{"split by an invisible character", "get https:\u200b//u:s3cret@mirror.example.test/x"},
		{"where the limit of length would cut off the host", strings.Repeat("x", 470) + " https://u:s3cret-" + strings.Repeat("y", 100) + "@mirror.example.test/x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := failure.Plain(tt.in); strings.Contains(got, "s3cret") {
				t.Errorf("Plain(%q) = %q shows the password", tt.in, got)
			}
		})
	}
	if got := failure.Plain("verify zip of rsc.io/quote@v1.5.2"); got != "verify zip of rsc.io/quote@v1.5.2" {
		t.Errorf("Plain changed a module's name to %q", got)
	}
}

func FuzzNeutral(f *testing.F) {
	for _, s := range []string{
		"plain", " ::error::x", "a\nb\r\x1b[31mc", "##[group]", "#\u200b##vso[x]", "\u202e\u009b0m\x9b", "\xff\xfe", ": :::", "\x1b[\x1b[1mm",
		strings.Repeat("::", 600), strings.Repeat("##[", 300), "https://u:p@h.example.test/\x00",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for name, got := range map[string]string{"Neutral": failure.Neutral(s), "Plain": failure.Plain(s)} {
			if why := hostile(got); why != "" {
				t.Errorf("%s(%q) = %q %s", name, s, got, why)
			}
			if again := failure.Neutral(got); again != got {
				t.Errorf("%s(%q) = %q is not neutral: %q", name, s, got, again)
			}
		}
	})
}

// hostile says what is wrong with a text that a server had its hands in.
func hostile(s string) string {
	if !utf8.ValidString(s) {
		return "is not UTF-8"
	}
	if n := utf8.RuneCountInString(s); n > 500 {
		return "is too long"
	}
	if i := strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
		return "has an unprintable character"
	}
	if strings.HasPrefix(strings.TrimSpace(s), "::") {
		return "begins like a workflow command"
	}
	if strings.Contains(s, "##[") || strings.Contains(s, "##vso[") {
		return "contains a workflow command"
	}
	return ""
}
