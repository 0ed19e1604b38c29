package settings

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// document is a YAML file under inspection. It is walked node by node, not
// decoded into structs, because every message names line and column and every
// value its source.
type document struct {
	name  string // for messages
	lines []string
}

// entry is one key with its value.
type entry struct {
	key     string
	keyNode ast.Node
	value   ast.Node
}

// The parser needs memory with the square of the nesting, and a checkout may
// be a stranger's: these bounds are far beyond every configuration that means
// something.
const (
	maxYAML    = 64 << 10
	maxNesting = 32
)

// parseYAML returns the root of a file with one document, nil when it has no
// content.
func parseYAML(name string, data []byte) (d *document, root ast.Node, err error) {
	if len(data) > maxYAML {
		return nil, nil, newError(name, fmt.Sprintf("%d bytes", len(data)), fmt.Sprintf("at most %d", maxYAML), "")
	}
	// The parser counts a line twice that a comment and CRLF end.
	text := strings.ReplaceAll(strings.TrimPrefix(string(data), "\ufeff"), "\r\n", "\n")
	if nesting(text) > maxNesting {
		return nil, nil, newError(name, "brackets or dashes nested too deeply", fmt.Sprintf("at most %d levels", maxNesting), "")
	}
	d = &document{name: name, lines: strings.Split(text, "\n")}
	// The parser has had panics on malformed input; a configuration file must
	// never end the program without a message.
	defer func() {
		if r := recover(); r != nil {
			root, err = nil, newError(name, "YAML that cannot be parsed", "a mapping of settings", "check the indentation and quotes")
		}
	}()
	file, perr := parser.ParseBytes([]byte(text), 0)
	if perr != nil {
		return nil, nil, d.syntaxError(perr)
	}
	for _, doc := range file.Docs {
		body := doc.Body
		if isNothing(body) {
			continue
		}
		if root != nil {
			return nil, nil, d.err(body, "a second YAML document", "one document", "remove the line --- and merge the two")
		}
		root = body
	}
	return d, root, nil
}

// nesting is an upper bound for how deep the nodes of a text are nested by
// anything but indentation, which its size bounds.
func nesting(text string) int {
	deepest, open := 0, 0
	for line := range strings.Lines(text) {
		start := strings.TrimLeft(line, "-?: \t")
		lead := line[:len(line)-len(start)]
		deepest = max(deepest, len(lead)-strings.Count(lead, " ")-strings.Count(lead, "\t"))
		for _, c := range start {
			switch c {
			case '[', '{':
				open++
			case ']', '}':
				open = max(0, open-1)
			}
			deepest = max(deepest, open)
		}
	}
	return deepest
}

// isNothing reports whether a node stands for no content at all.
func isNothing(n ast.Node) bool {
	switch n.(type) {
	case nil, *ast.NullNode, *ast.CommentNode, *ast.CommentGroupNode:
		return true
	}
	return false
}

func (d *document) syntaxError(err error) *Error {
	var at yaml.Error
	if !errors.As(err, &at) || at.GetToken() == nil {
		return newError(d.name, "YAML that cannot be parsed", "a mapping of settings", "check the indentation and quotes")
	}
	pos := at.GetToken().Position
	message, _, _ := strings.Cut(at.GetMessage(), "\n")
	e := newError(fmt.Sprintf("%s:%d:%d", d.name, pos.Line, pos.Column), "a YAML error: "+clip(Redact(message), quoteLimit), "", "")
	e.Excerpt = excerpt(d.line(pos.Line), pos.Line, pos.Column)
	return e
}

// mapping returns the entries of a mapping; what says for messages what it
// holds.
func (d *document) mapping(node ast.Node, what string) ([]entry, error) {
	var values []*ast.MappingValueNode
	switch n := node.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	default:
		return nil, d.misplaced(node, "a mapping of "+what)
	}
	var out []entry
	for _, v := range values {
		key, ok := v.Key.(*ast.StringNode)
		if !ok {
			return nil, d.misplaced(v.Key, "a plain word as key")
		}
		out = append(out, entry{key: key.Value, keyNode: key, value: v.Value})
	}
	return out, nil
}

// sequence returns the items of a list that has at least one.
func (d *document) sequence(e entry) ([]ast.Node, error) {
	n, ok := e.value.(*ast.SequenceNode)
	if ok && len(n.Values) > 0 {
		return n.Values, nil
	}
	if ok {
		return nil, d.err(e.value, "an empty list", "at least one item below "+e.key, "add one or remove the key")
	}
	return nil, d.misplaced(e.value, "a list for "+e.key)
}

// text returns the value of a setting as the flag would take it; a list may
// also be a YAML sequence.
func (d *document) text(e entry, s Setting) (string, error) {
	if t, ok := scalar(e.value); ok {
		return t, nil
	}
	seq, ok := e.value.(*ast.SequenceNode)
	if ok && s.Name == "mirrors" {
		return "", d.err(e.value, "a list", list(s.Choices)+" for mirrors", "write the list of mirrors below proxy:")
	}
	if !ok || s.Kind != List {
		return "", d.misplaced(e.value, s.expectation()+" for "+e.key)
	}
	var items []string
	for _, n := range seq.Values {
		t, ok := scalar(n)
		t = strings.TrimSpace(t)
		if !ok || t == "" {
			return "", d.misplaced(n, "a list of plain values for "+e.key)
		}
		if strings.Contains(t, ",") {
			return "", d.err(n, quote(t), "one element per list item", "write one item for each")
		}
		items = append(items, t)
	}
	if len(items) == 0 {
		return "", d.err(e.value, "an empty list", "at least one item below "+e.key, "add one or remove the key")
	}
	return strings.Join(items, ","), nil
}

// boolean reads true or false.
func (d *document) boolean(e entry) (bool, error) {
	text, err := d.single(e, "true or false")
	if err != nil {
		return false, err
	}
	b, bad := parseBool(text)
	return b, d.unfit(e, bad)
}

// single is the text of a value that is neither a list nor a mapping.
func (d *document) single(e entry, expected string) (string, error) {
	text, ok := scalar(e.value)
	if !ok {
		return "", d.misplaced(e.value, expected+" for "+e.key)
	}
	return strings.TrimSpace(text), nil
}

// scalar returns the text of a plain, quoted or block value.
func scalar(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// misplaced is the error for a node of the wrong kind.
func (d *document) misplaced(node ast.Node, expected string) error {
	found, remedy := "something else", ""
	switch n := node.(type) {
	case *ast.NullNode:
		found, remedy = "no value", "write the value or remove the key"
	case *ast.MappingNode, *ast.MappingValueNode:
		found = "a mapping"
	case *ast.SequenceNode:
		found = "a list"
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode, *ast.TagNode:
		found, remedy = "a YAML anchor, alias, tag or merge", "write the value out; profiles overlay the top level"
	default:
		if text, ok := scalar(n); ok {
			found = quote(text)
		}
	}
	return d.err(node, found, expected, remedy)
}

// unfit is the error for a value that does not fit; nil for a nil misfit.
func (d *document) unfit(e entry, bad *misfit) error {
	if bad == nil {
		return nil
	}
	remedy := bad.advice
	if bad.instead != "" {
		remedy = "write " + e.key + ": " + bad.instead
	}
	return d.err(e.value, bad.found, bad.expected, remedy)
}

// err is an error about a node, with the line it stands on.
func (d *document) err(node ast.Node, found, expected, remedy string) *Error {
	return d.show(newError(d.where(node), found, expected, remedy), node)
}

// show adds the line of a node to an error.
func (d *document) show(e *Error, node ast.Node) *Error {
	pos := position(node)
	e.Excerpt = excerpt(d.line(pos.Line), pos.Line, pos.Column)
	return e
}

// where is "file:line:column" of a node.
func (d *document) where(node ast.Node) string {
	pos := position(node)
	return fmt.Sprintf("%s:%d:%d", d.name, pos.Line, pos.Column)
}

// source is how Values.Sources names a node.
func (d *document) source(node ast.Node) string {
	return fmt.Sprintf("file %s:%d", d.name, position(node).Line)
}

// position is where a node begins. The parser gives a mapping the position of
// its first colon.
func position(node ast.Node) *token.Position {
	switch n := node.(type) {
	case *ast.MappingNode:
		if len(n.Values) > 0 {
			return position(n.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return position(n.Key)
	}
	return node.GetToken().Position
}

// line returns a line of the file, "" beyond its end.
func (d *document) line(n int) string {
	if n < 1 || n > len(d.lines) {
		return ""
	}
	return d.lines[n-1]
}
