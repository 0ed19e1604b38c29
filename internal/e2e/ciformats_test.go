package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/modferry/modferry/docs/docstest"
)

// action is where the files for other CI systems are.
var action = filepath.Join("..", "..", "action")

// fromYAML is a document as a JSON Schema sees it.
func fromYAML(t *testing.T, text []byte) any {
	t.Helper()
	data, err := yaml.YAMLToJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// read is a file below directory action.
func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(action, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestFilesForCISystemsAreAsTheirSchemasSay(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, schema string
		text         []byte
		good, bad    string // a replacement that the schema must refuse
	}{
		{"orb", "circleci", read(t, "circleci/orb.yml"), "type: string", "type: strong"},
		{"configuration with the orb", "circleci", []byte(docstest.Text(t, "docs/ci.md#circleci yaml")), "version: 2.1", "version: 9"},
		{"template", "azure-pipelines", read(t, "azure/steps.yml"), "restoreKeys:", "restoreKey:"},
		{"pipeline with the template", "azure-pipelines", []byte(docstest.Text(t, "docs/ci.md#azure-pipelines yaml")), "- template:", "- templates:"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := schemaIn(t, filepath.Join(testdata, "schemas"), test.schema+".schema.json", nil)
			if err := s.Validate(fromYAML(t, test.text)); err != nil {
				t.Errorf("%#v", err)
			}
			broken := bytes.Replace(test.text, []byte(test.good), []byte(test.bad), 1)
			if bytes.Equal(broken, test.text) || s.Validate(fromYAML(t, broken)) == nil {
				t.Errorf("%s in the place of %s is not refused", test.bad, test.good)
			}
		})
	}
}

// TestTheTaskOfTektonRuns runs the script of the task as Tekton does: variables and
// parameters in place, in the shell that the image has.
func TestTheTaskOfTektonRuns(t *testing.T) {
	t.Parallel()
	dash, err := exec.LookPath("dash")
	need(t, err == nil, "dash is not on the search path")
	var task struct {
		Spec struct {
			Params     []struct{ Name, Default string }
			Workspaces []struct{ Name string }
			Steps      []struct {
				Name, Script string
				Env          []struct{ Name, Value string }
			}
		}
	}
	text := read(t, "tekton/task.yaml")
	if err := yaml.Unmarshal(text, &task); err != nil {
		t.Fatal(err)
	}
	checkout, cache, bin := t.TempDir(), t.TempDir(), t.TempDir()
	values := []string{"$(workspaces.source.path)", checkout, "$(workspaces.cache.path)", cache}
	for _, p := range task.Spec.Params {
		values = append(values, "$(params."+p.Name+")", p.Default)
	}
	command := `test "$MODFERRY_CACHE" = "dir:` + cache + `/modferry" && echo "it's here" > here`
	expand := strings.NewReplacer(append([]string{"$(params.command)", command}, values...)...)
	known := strings.NewReplacer(values...)
	for reference := range strings.SplitSeq(known.Replace(string(text)), "$(") {
		if name, _, ok := strings.Cut(reference, ")"); ok && regexp.MustCompile(`^(params|workspaces)\.`).MatchString(name) {
			t.Errorf("$(%s) is not declared", name)
		}
	}
	if err := os.Symlink(binary, filepath.Join(bin, "modferry")); err != nil {
		t.Fatal(err)
	}
	step := task.Spec.Steps[len(task.Spec.Steps)-1]
	cmd := exec.Command(dash, "-c", strings.ReplaceAll(expand.Replace(step.Script), "/modferry/modferry ", filepath.Join(bin, "modferry")+" "))
	cmd.Dir = checkout
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "GOPROXY=off", "GOSUMDB=off"}
	for _, v := range step.Env {
		cmd.Env = append(cmd.Env, v.Name+"="+expand.Replace(v.Value))
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if text, err := os.ReadFile(filepath.Join(checkout, "here")); err != nil || string(text) != "it's here\n" {
		t.Errorf("the command left %q, %v", text, err)
	}
}

// TestTheStepOfJenkinsRuns runs the step of the shared library by Groovy, with the
// steps of a pipeline that it calls.
func TestTheStepOfJenkinsRuns(t *testing.T) {
	t.Parallel()
	groovy, err := exec.LookPath("groovy")
	if err != nil {
		t.Skip("groovy is not on the search path; apt-get install groovy")
	}
	java, err := exec.LookPath("java")
	if err == nil {
		java, err = filepath.EvalSymlinks(java)
	}
	if err != nil {
		t.Skip("there is no java")
	}
	workspace, bin := t.TempDir(), t.TempDir()
	if err := os.Symlink(binary, filepath.Join(bin, "modferry")); err != nil {
		t.Fatal(err)
	}
	pipeline := `
env = [WORKSPACE: System.getenv('WORKSPACE')]
told = []
variables = []
error = { throw new RuntimeException(it) }
isUnix = { true }
dir = { name, body -> told << [dir: name]; body() }
junit = { told << [junit: it] }
archiveArtifacts = { told << [archive: it] }
withEnv = { given, body -> variables = given; body() }
sh = { step ->
    def p = new ProcessBuilder('sh', '-c', step.script).directory(new File(env.WORKSPACE)).inheritIO()
    variables.each { def (name, value) = it.split('=', 2) as List; p.environment()[name] = value }
    int code = p.start().waitFor()
    if (code != 0) throw new RuntimeException("script returned exit code " + code)
}
def step = new GroovyShell(binding).parse(new File(args[0]))
step.call('''echo "it's" > one
echo here > two''', settings: [MODFERRY_REPORTS: 'off'], archive: true)
try { step.call('exit 7'); told << 'no error' } catch (RuntimeException e) { told << e.message }
try { step.call('true', setting: 1); told << 'no error' } catch (RuntimeException e) { told << e.message }
binding.setVariable('modferry', { Map options, String command -> step.call(options, command) })
evaluate(args[1])
println groovy.json.JsonOutput.toJson(told)
`
	var documented string
	for line := range strings.Lines(docstest.Text(t, "docs/ci.md#jenkins groovy")) {
		if strings.HasPrefix(strings.TrimSpace(line), "modferry ") {
			documented = strings.TrimSpace(line)
		}
	}
	for name, text := range map[string]string{"go.mod": "module example.test/main\n\ngo 1.21\n", "main.go": "package main\n\nfunc main() {}\n"} {
		if err := os.WriteFile(filepath.Join(workspace, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "pipeline.groovy")
	if err := os.WriteFile(file, []byte(pipeline), 0o644); err != nil {
		t.Fatal(err)
	}
	step, err := filepath.Abs(filepath.Join(action, "jenkins", "vars", "modferry.groovy"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(groovy, file, step, documented)
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "JAVA_HOME="+filepath.Dir(filepath.Dir(java)), "WORKSPACE="+workspace, "JENKINS_URL=https://ci.example.test/", "GOPROXY=off", "GOSUMDB=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out, stderr.String())
	}
	var told []any
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	if err := json.Unmarshal(lines[len(lines)-1], &told); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, _ := json.Marshal(told)
	if documented == "" || bytes.Count(text, []byte(`{"dir":`)) != 3 {
		t.Errorf("the step of the documents %q did not run: %s", documented, text)
	}
	for _, want := range []string{
		`{"dir":"` + workspace + `"}`, `"skipMarkingBuildUnstable":true`, `{"archive":`, `"script returned exit code 7"`,
		`"modferry: unknown option setting; expected settings, archive"`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the pipeline is not told %s, but %s", want, text)
		}
	}
	for name, want := range map[string]string{"one": "it's\n", "two": "here\n"} {
		if text, err := os.ReadFile(filepath.Join(workspace, name)); err != nil || string(text) != want {
			t.Errorf("the command left %q in %s, %v", text, name, err)
		}
	}
}
