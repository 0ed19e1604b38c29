// A step of a shared library: modferry 'go test ./...' runs a command whose go
// commands download through modferry, which has to be on the PATH of the agent or in
// the image. See docs/ci.md.
//
//   settings    variables of modferry, such as [MODFERRY_CACHE: 's3://bucket/go']
//   archive     keep the report as an artifact of the build
//
// The exit code of the command decides about the build, and nothing else: a mirror
// that was down is a failed test in the report, without effect on the result.
def call(Map options = [:], String command) {
    def unknown = options.keySet() - ['settings', 'archive']
    if (unknown) {
        error "modferry: unknown option ${unknown.join(', ')}; expected settings, archive"
    }
    def variables = (options.settings ?: [:]).collect { name, value -> "${name}=${value}" }
    variables << "FERRY_COMMAND=${command}"
    try {
        withEnv(variables) {
            if (isUnix()) {
                sh label: 'modferry exec', script: 'modferry exec -- sh -ec "$FERRY_COMMAND"'
            } else {
                bat label: 'modferry exec', script: '@modferry exec -- cmd /d /s /c "%FERRY_COMMAND%"'
            }
        }
    } finally {
        dir(env.WORKSPACE) {
            junit testResults: '.modferry/reports/junit.xml', allowEmptyResults: true,
                skipMarkingBuildUnstable: true, skipPublishingChecks: true
            if (options.archive) {
                archiveArtifacts artifacts: '.modferry/reports/**', allowEmptyArchive: true
            }
        }
    }
}
