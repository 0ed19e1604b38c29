package mirror

import (
	"bufio"
	"cmp"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/modferry/modferry/internal/failure"
)

// How much of an error response is read: of a text its first line, of JSON all
// that its reason stands in.
const (
	maxErrorText = 1 << 10
	maxErrorJSON = 64 << 10
)

// reason is what a server says of an error, in one line for people: the first
// line of a plain text, as the go command shows it, the message of JSON, which is
// where Artifactory and Nexus say which policy refused, or the title of a web page,
// where it says more than the status. "" for everything else.
func reason(resp *http.Response) string {
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case kind == "text/plain":
		line, more, _ := bufio.NewReaderSize(io.LimitReader(resp.Body, maxErrorText), maxErrorText).ReadLine()
		text := string(line)
		if more {
			text += "…"
		}
		return failure.Plain(text)
	case kind == "application/json" || strings.HasSuffix(kind, "+json"):
		data, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorJSON))
		if err != nil {
			return ""
		}
		return failure.Plain(jsonReason(data))
	case kind == "text/html":
		data, err := io.ReadAll(io.LimitReader(resp.Body, failure.MostTitle))
		if err != nil {
			return ""
		}
		title := failure.PageTitle(data)
		status := strings.TrimSpace(strings.TrimPrefix(title, strconv.Itoa(resp.StatusCode)))
		if strings.EqualFold(status, http.StatusText(resp.StatusCode)) {
			return ""
		}
		return title
	}
	return ""
}

// jsonReason is the message of an error in one of its usual forms: that of
// Artifactory and Nexus, {"errors": [{"message": …}]}, a bare message, the problem
// of RFC 9457, and OAuth's.
func jsonReason(data []byte) string {
	var body struct {
		Errors                 []struct{ Message, Detail string }
		Message, Title, Detail string
		Description            string `json:"error_description"`
	}
	if json.Unmarshal(data, &body) != nil {
		return ""
	}
	var said []string
	for _, e := range body.Errors {
		if text := cmp.Or(e.Message, e.Detail); text != "" {
			said = append(said, text)
		}
	}
	if len(said) > 0 {
		return strings.Join(said, "; ")
	}
	return cmp.Or(body.Message, body.Detail, body.Title, body.Description)
}
