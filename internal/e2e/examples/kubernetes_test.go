package examples

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/json"
)

// cluster is what the files of kubernetes/ make.
type cluster struct {
	job        batch.Job
	config     core.ConfigMap
	deployment apps.Deployment
	service    core.Service
	monitor    monitoring.ServiceMonitor
}

// decode reads documents as a server does that is asked to refuse unknown fields.
func (c *cluster) decode(text []byte) error {
	for from := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var doc any
		if err := from.Decode(&doc); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		asYAML, err := yaml.Marshal(doc)
		if err != nil {
			return err
		}
		data, err := yaml.YAMLToJSON(asYAML)
		if err != nil {
			return err
		}
		var kind meta.TypeMeta
		if err := json.UnmarshalCaseSensitivePreserveInts(data, &kind); err != nil {
			return err
		}
		into := map[string]any{"batch/v1 Job": &c.job, "v1 ConfigMap": &c.config, "apps/v1 Deployment": &c.deployment,
			"v1 Service": &c.service, "monitoring.coreos.com/v1 ServiceMonitor": &c.monitor}[kind.APIVersion+" "+kind.Kind]
		if into == nil {
			return errors.New("unknown kind " + kind.APIVersion + " " + kind.Kind)
		}
		strict, err := json.UnmarshalStrict(data, into)
		if err = errors.Join(append(strict, err)...); err != nil {
			return err
		}
	}
}

func kubernetes(t *testing.T) *cluster {
	t.Helper()
	var c cluster
	for _, file := range []string{"job.yaml", "relay.yaml", "servicemonitor.yaml"} {
		if err := c.decode(example(t, "kubernetes/"+file)); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	return &c
}

func TestKubernetesAcceptsTheFiles(t *testing.T) {
	t.Parallel()
	c := kubernetes(t)
	for name, of := range map[string][2]string{
		"an unknown field": {"startupProbe:", "startProbe:"},
		"another case":     {"mountPath: /modules", "mountpath: /modules"},
		"another type":     {"periodSeconds: 1", "periodSeconds: often"},
	} {
		text := bytes.Replace(example(t, "kubernetes/job.yaml"), []byte(of[0]), []byte(of[1]), 1)
		if new(cluster).decode(text) == nil {
			t.Errorf("%s is not refused", name)
		}
	}

	job := c.job.Spec.Template.Spec
	if len(job.InitContainers) != 1 || len(job.Containers) != 1 || job.RestartPolicy != core.RestartPolicyNever {
		t.Fatal("the job is not one sidecar and one container")
	}
	sidecar := job.InitContainers[0]
	if sidecar.RestartPolicy == nil || *sidecar.RestartPolicy != core.ContainerRestartPolicyAlways {
		t.Error("the sidecar is not restarted always: the job's container would wait for its end")
	}
	if p := sidecar.StartupProbe; p == nil || p.Exec == nil || strings.Join(p.Exec.Command, " ") != "modferry serve --check" {
		t.Error("the job's container does not wait for the sidecar")
	}
	if env := variables(sidecar); env["MODFERRY_LISTEN"] != "127.0.0.1:"+port {
		t.Errorf("the sidecar listens at %s", env["MODFERRY_LISTEN"])
	}
	if env := variables(job.Containers[0]); env["GOPROXY"] != "http://localhost:"+port+",direct" {
		t.Errorf("the job's GOPROXY is %s", env["GOPROXY"])
	}

	if len(c.deployment.Spec.Template.Spec.Containers) != 1 {
		t.Fatal("the deployment is not one container")
	}
	server := c.deployment.Spec.Template.Spec.Containers[0]
	named := server.Ports[0]
	if named.ContainerPort != 8642 || variables(server)["MODFERRY_LISTEN"] != ":"+port {
		t.Errorf("the server listens at %s, and its port is %d", variables(server)["MODFERRY_LISTEN"], named.ContainerPort)
	}
	for path, p := range map[string]*core.Probe{"/readyz": server.ReadinessProbe, "/healthz": server.LivenessProbe} {
		if p == nil || p.HTTPGet == nil || p.HTTPGet.Path != path || p.HTTPGet.Port.StrVal != named.Name {
			t.Errorf("no probe asks for %s", path)
		}
	}
	if s := c.service.Spec.Ports[0]; s.Port != 8642 || s.TargetPort.StrVal != named.Name || c.monitor.Spec.Endpoints[0].Port != s.Name {
		t.Error("deployment, service and monitor do not have the same port")
	}
	for what, labels := range map[string][2]map[string]string{
		"the deployment":      {c.deployment.Spec.Selector.MatchLabels, c.deployment.Spec.Template.Labels},
		"the service":         {c.service.Spec.Selector, c.deployment.Spec.Template.Labels},
		"the service monitor": {c.monitor.Spec.Selector.MatchLabels, c.service.Labels},
	} {
		if len(labels[0]) == 0 {
			t.Errorf("%s selects everything", what)
		}
		for name, value := range labels[0] {
			if labels[1][name] != value {
				t.Errorf("%s selects nothing: %s is %q, not %q", what, name, labels[1][name], value)
			}
		}
	}
	for _, space := range []string{c.config.Namespace, c.service.Namespace, c.monitor.Namespace} {
		if space != c.deployment.Namespace {
			t.Errorf("something is in the namespace %q", space)
		}
	}
	relays(t, "job", job, sidecar)
	relays(t, "deployment", c.deployment.Spec.Template.Spec, server)
}

// relays checks what holds for each container with a relay: no right that it does not
// need, and a place for what it writes.
func relays(t *testing.T, name string, pod core.PodSpec, c core.Container) {
	t.Helper()
	if c.Image != image || strings.Join(c.Command, " ") != "modferry serve" {
		t.Errorf("%s: image %s, command %q", name, c.Image, c.Command)
	}
	if p, s := pod.SecurityContext, c.SecurityContext; p == nil || p.RunAsUser == nil || *p.RunAsUser != 65532 || !*p.RunAsNonRoot ||
		s == nil || !*s.ReadOnlyRootFilesystem || *s.AllowPrivilegeEscalation || !slices.Contains(s.Capabilities.Drop, "ALL") {
		t.Errorf("%s: the relay has rights that it does not need", name)
	}
	if pod.EnableServiceLinks == nil || *pod.EnableServiceLinks {
		t.Errorf("%s: Kubernetes adds variables that begin like settings", name)
	}
	volumes := map[string]core.Volume{}
	for _, v := range pod.Volumes {
		volumes[v.Name] = v
	}
	written := map[string]bool{}
	for _, m := range c.VolumeMounts {
		v, ok := volumes[m.Name]
		if !ok || m.SubPath != "" {
			t.Errorf("%s: no volume %s, or a part of it, which does not change", name, m.Name)
		}
		written[m.MountPath] = v.EmptyDir != nil
	}
	for _, variable := range []string{"TMPDIR", "MODFERRY_KEEP_DIR"} {
		if dir := variables(c)[variable]; !written[dir] {
			t.Errorf("%s: %s is %q, where nothing can be written", name, variable, dir)
		}
	}
}

// variables are the variables of a container.
func variables(c core.Container) map[string]string {
	env := map[string]string{}
	for _, e := range c.Env {
		env[e.Name] = e.Value
	}
	return env
}

// The relays of the files run: with their variables, and the configuration of the map.
func TestServersRunAsTheFilesForKubernetesSay(t *testing.T) {
	t.Parallel()
	c := kubernetes(t)
	pod := c.deployment.Spec.Template.Spec
	for name, container := range map[string]core.Container{"sidecar": c.job.Spec.Template.Spec.InitContainers[0], "deployment": pod.Containers[0]} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := variables(container)
			env["TMPDIR"] = t.TempDir()
			env["MODFERRY_KEEP_DIR"] = env["TMPDIR"]
			if file := env["MODFERRY_CONFIG"]; file != "" {
				i := slices.IndexFunc(container.VolumeMounts, func(m core.VolumeMount) bool { return m.MountPath == path.Dir(file) })
				text, ok := c.config.Data[path.Base(file)]
				if i < 0 || !ok || !mounts(pod, container.VolumeMounts[i].Name, c.config.Name) {
					t.Fatalf("%s is not in the map", file)
				}
				env["MODFERRY_CONFIG"] = filepath.Join(t.TempDir(), path.Base(file))
				if err := os.WriteFile(env["MODFERRY_CONFIG"], []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			at := serve(t, env)
			if body, status := get(t, "http://"+at+"/readyz"); status != 200 {
				t.Errorf("/readyz: %d %s", status, body)
			}
			check := exec.Command(binary, "serve", "--check")
			check.Env = []string{"MODFERRY_LISTEN=" + at}
			if out, err := check.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

// mounts reports whether a volume of a pod is a whole config map.
func mounts(pod core.PodSpec, volume, config string) bool {
	return slices.ContainsFunc(pod.Volumes, func(v core.Volume) bool {
		return v.Name == volume && v.ConfigMap != nil && v.ConfigMap.Name == config && len(v.ConfigMap.Items) == 0
	})
}
