// SPDX-License-Identifier: Apache-2.0
/* podnetctl's commands against a server that answers as podnetd does. */
#include "tests/check.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "user/base/fs.h"
#include "user/cli/commands.h"
#include "user/http/buffer.h"
#include "user/http/server.h"

#define ARGS_MAX   16
#define OUTPUT_MAX (256u << 10)

/* --- the server, a child process --- */

struct served_exec {
	struct websocket *socket;
	struct buffer input;
	char command[64];
};

static void exec_answer(struct served_exec *exec)
{
	const char *status = "{\"status\":\"Success\"}";

	if (strcmp(exec->command, "lost") == 0) {
		exec->socket = websocket_free(exec->socket);
		return;
	}
	websocket_send_channel(exec->socket, CHANNEL_STDERR, "E:", 2);
	websocket_send_channel(exec->socket, CHANNEL_STDOUT, "O:", 2);
	if (exec->input.len)
		websocket_send_channel(
			exec->socket, CHANNEL_STDOUT, buffer_head(&exec->input), exec->input.len);
	if (strcmp(exec->command, "exit 37") == 0)
		status = "{\"status\":\"Failure\",\"reason\":\"NonZeroExitCode\",\"details\":{"
			 "\"causes\":[{\"reason\":\"ExitCode\",\"message\":\"37\"}]}}";
	else if (strcmp(exec->command, "missing") == 0)
		status = "{\"status\":\"Failure\",\"message\":\"no such program\"}";
	websocket_send_channel(exec->socket, CHANNEL_ERROR, status, strlen(status));
	websocket_close(exec->socket, WEBSOCKET_NORMAL);
}

static void exec_message(void *userdata, const unsigned char *data, size_t len)
{
	struct served_exec *exec = userdata;

	if (len > 1 && data[0] == CHANNEL_STDIN)
		buffer_append(&exec->input, data + 1, len - 1);
	else if (len == 2 && data[0] == CHANNEL_CLOSE && data[1] == CHANNEL_STDIN)
		exec_answer(exec);
}

static void exec_closed(void *userdata, unsigned code)
{
	struct served_exec *exec = userdata;

	(void)code;
	websocket_free(exec->socket);
	buffer_clear(&exec->input);
	free(exec);
}

static void serve_exec(struct http_exchange *exchange)
{
	static const char *const protocols[] = {CHANNEL_PROTOCOL_V5, NULL};
	static const struct websocket_events events = {
		.message = exec_message, .closed = exec_closed};
	struct served_exec *exec = calloc(1, sizeof(*exec));
	const char *first = http_exchange_query(exchange, "command", 0);
	const char *second = http_exchange_query(exchange, "command", 1);

	if (!exec)
		BAIL("memory");
	snprintf(exec->command, sizeof(exec->command), "%s%s%s", first, second ? " " : "",
		second ? second : "");
	http_upgrade_websocket(exchange, protocols, &events, exec, &exec->socket);
}

static void serve_logs(struct http_exchange *exchange)
{
	const char *container = http_exchange_segment(exchange, 3);
	const char *tail = http_exchange_query(exchange, "tailLines", 0);
	char text[200];

	if (strcmp(container, "cut") == 0) {
		http_stream_begin(exchange, 200, "text/plain", NULL);
		http_stream_write(exchange, "half", 4);
		http_stream_abort(exchange);
		return;
	}
	snprintf(text, sizeof(text), "%s follow=%s previous=%s tail=%s\n", container,
		http_exchange_query(exchange, "follow", 0),
		http_exchange_query(exchange, "previous", 0), tail ? tail : "-");
	http_stream_begin(exchange, 200, "text/plain", NULL);
	http_stream_write(exchange, text, strlen(text));
	http_stream_end(exchange);
}

static void serve(void *userdata, struct http_exchange *exchange)
{
	static const char pods[] = "{\"kind\":\"List\",\"apiVersion\":\"v1\",\"items\":[{"
				   "\"metadata\":{\"name\":\"web\"},\"spec\":{\"containers\":[{}]},"
				   "\"status\":{\"phase\":\"Pending\"}}]}";
	static const char backends[] =
		"{\"kind\":\"BackendList\",\"items\":[{\"service\":\"web\",\"port\":80,\"pod\":"
		"\"w\",\"address\":\"1:1\",\"state\":\"READY\",\"reason\":\"\"},{\"service\":"
		"\"db\",\"port\":1,\"pod\":\"d\",\"address\":\"1:2\",\"state\":\"DOWN\",\"reason\":"
		"\"x\"}]}";
	const char *path = http_exchange_path(exchange);
	bool delete = strcmp(http_exchange_method(exchange), "DELETE") == 0;

	(void)userdata;
	if (strncmp(path, "/exec/default/web/", 18) == 0)
		serve_exec(exchange);
	else if (strncmp(path, "/containerLogs/default/web/", 27) == 0)
		serve_logs(exchange);
	else if (strcmp(path, "/api/v1/namespaces/default/pods") == 0)
		http_answer_text(exchange, 200, pods);
	else if (strcmp(path, "/podnet/v1/backends") == 0)
		http_answer_text(exchange, 200, backends);
	else if (strcmp(path, "/api/v1/namespaces/empty/pods") == 0)
		http_answer_text(exchange, 200, "{\"kind\":\"List\",\"items\":[]}");
	else if (strcmp(path, "/api/v1/namespaces/odd/pods") == 0)
		http_answer_text(exchange, 200, "no json");
	else if (delete &&strcmp(path, "/api/v1/namespaces/default/pods/web") == 0)
		http_answer_text(exchange, 200, "{}");
	else
		http_answer_failure(exchange, 404, "NotFound", "pods \"%s\" not found",
			http_exchange_segment(exchange, http_exchange_segment_count(exchange) - 1));
}

static void server_run(int listen_fd)
{
	struct http_server_config config = {.handle = serve};
	struct http_server *server;
	sd_event *loop;
	struct err err;

	if (sd_event_new(&loop) < 0 || http_server_new(loop, listen_fd, &config, &server, &err) < 0)
		_exit(1);
	_exit(sd_event_loop(loop) < 0 ? 1 : 0);
}

struct fixture {
	char dir[64], socket[128], in[128];
	pid_t server;
	char out[OUTPUT_MAX], err[OUTPUT_MAX];
	int code;
};

static struct fixture *fixture_new(void)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct err err;
	int fd;

	if (!fixture)
		BAIL("memory");
	strcpy(fixture->dir, "/tmp/podnet-ctl-XXXXXX");
	if (!mkdtemp(fixture->dir))
		BAIL("make a directory");
	snprintf(fixture->socket, sizeof(fixture->socket), "%s/sock", fixture->dir);
	snprintf(fixture->in, sizeof(fixture->in), "%s/in", fixture->dir);
	if (http_listen_unix(fixture->socket, 0600, &fd, &err) < 0)
		BAIL(err.text);
	fixture->server = fork();
	if (fixture->server < 0)
		BAIL("fork");
	if (fixture->server == 0)
		server_run(fd);
	close(fd);
	return fixture;
}

static void server_stop(struct fixture *fixture)
{
	if (fixture->server > 0) {
		kill(fixture->server, SIGTERM);
		waitpid(fixture->server, NULL, 0);
	}
	fixture->server = 0;
}

static void fixture_free(struct fixture *fixture)
{
	struct err err;

	server_stop(fixture);
	CHECK_OK("removed", fs_remove(fixture->dir, &err), &err);
	free(fixture);
}

static void redirect(const char *dir, const char *name, int flags, int fd)
{
	AUTO_FREE char *path = fs_format("%s/%s", dir, name);
	int file = open(path, flags | O_CLOEXEC, 0600);

	if (file < 0 || dup2(file, fd) < 0)
		_exit(99);
}

static void collect(const char *dir, const char *name, char *ret)
{
	AUTO_FREE char *path = fs_format("%s/%s", dir, name);
	AUTO_FREE char *text = NULL;
	struct err err;

	if (fs_read(path, OUTPUT_MAX - 1, &text, NULL, &err) < 0)
		BAIL(err.text);
	strcpy(ret, text);
}

/* Runs podnetctl with the words of @line and the file "in" as stdin. */
static void ctl(struct fixture *fixture, const char *line)
{
	AUTO_FREE char *words = fs_format("podnetctl --socket %s %s", fixture->socket, line);
	char *argv[ARGS_MAX];
	char *word, *rest = words;
	int argc = 0, status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		while ((word = strsep(&rest, " ")))
			argv[argc++] = word;
		argv[argc] = NULL;
		redirect(fixture->dir, "in", O_RDONLY | O_CREAT, STDIN_FILENO);
		redirect(fixture->dir, "out", O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
		redirect(fixture->dir, "err", O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
		alarm(10);
		status = cli_run(argc, argv);
		fflush(NULL);
		_exit(status);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		BAIL("run podnetctl");
	fixture->code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
	collect(fixture->dir, "out", fixture->out);
	collect(fixture->dir, "err", fixture->err);
}

TEST(commands_print_and_exit_as_promised)
{
	static const struct {
		const char *line;
		int code;
		const char *out, *err;
	} cases[] = {
		{"get pods", 0,
			"NAME   READY   STATUS    RESTARTS   AGE         IP       NODE\n"
			"web    0/1     Pending   0          <unknown>   <none>   <none>\n",
			""},
		{"get pods -n empty", 0, "", "No resources found in empty namespace.\n"},
		{"get pods nobody", 1, "",
			"Error from server (NotFound): pods \"nobody\" not found\n"},
		{"get pods a/b%20?c", 1, "",
			"Error from server (NotFound): pods \"a/b%20?c\" not found\n"},
		{"get pods -n odd", 1, "", "podnetctl: podnetd's answer: "},
		{"get backends db", 0,
			"SERVICE   PORT   POD   ADDRESS   STATE   REASON\n"
			"db        1      d     1:2       DOWN    x\n",
			""},
		{"delete pod web", 0, "pod \"web\" deleted\n", ""},
		{"delete pod nobody", 1, "",
			"Error from server (NotFound): pods \"nobody\" not found\n"},
		{"logs web", 0, "- follow=false previous=false tail=-\n", ""},
		{"logs web -c main -f -p --tail 7", 0, "main follow=true previous=true tail=7\n",
			""},
		{"logs web -c cut", 1, "half", "podnetctl: podnetd's answer: "},
		{"logs nobody", 1, "", "Error from server (NotFound): "},
		{"exec web -- true", 0, "O:", "E:"},
		{"exec web -- exit 37", 37, "O:", "E:command terminated with exit code 37\n"},
		{"exec web -- missing", 1, "O:", "E:error: no such program\n"},
		{"exec web -- lost", 1, "",
			"podnetctl: podnetd's answer: the connection ended before the command "
			"did\n"},
		{"exec nobody -- true", 1, "", "Error from server (NotFound): "},
		{"frobnicate", 2, "",
			"podnetctl: unknown command 'frobnicate'\nSee 'podnetctl --help'.\n"},
	};
	struct fixture *fixture = fixture_new();

	for (size_t i = 0; i < COUNT(cases); i++) {
		ctl(fixture, cases[i].line);
		CHECK_EQ(cases[i].line, fixture->code, cases[i].code);
		CHECK_STR(cases[i].line, fixture->out, cases[i].out);
		if (cases[i].err[0])
			CHECK_HAS(cases[i].line, fixture->err, cases[i].err);
		else
			CHECK_STR(cases[i].line, fixture->err, "");
	}
	fixture_free(fixture);
}

TEST(json_is_printed_as_it_came)
{
	struct fixture *fixture = fixture_new();

	ctl(fixture, "get pods -o json");
	CHECK_EQ("code", fixture->code, 0);
	CHECK_HAS("indented", fixture->out,
		"{\n    \"kind\": \"List\",\n    \"apiVersion\": \"v1\",\n    \"items\": [\n");
	fixture_free(fixture);
}

TEST(stdin_goes_to_the_command)
{
	struct fixture *fixture = fixture_new();
	FILE *in = fopen(fixture->in, "w");
	size_t size = 150000;

	if (!in)
		BAIL("write stdin");
	for (size_t i = 0; i < size; i++)
		fputc('a' + (int)(i % 26), in);
	fclose(in);
	ctl(fixture, "exec web -- cat");
	CHECK_EQ("code", fixture->code, 0);
	CHECK_EQ("all of it", strlen(fixture->out), size + 2);
	CHECK("in order", strncmp(fixture->out, "O:abcdefgh", 10) == 0 &&
				  fixture->out[size + 1] == 'a' + (int)((size - 1) % 26));
	fixture_free(fixture);
}

TEST(a_podnetd_that_is_away_is_named)
{
	struct fixture *fixture = fixture_new();
	char want[300];

	server_stop(fixture);
	snprintf(want, sizeof(want), "podnetctl: cannot reach podnetd at %s: Connection refused\n",
		fixture->socket);
	for (unsigned i = 0; i < 4; i++) {
		static const char *const lines[] = {
			"get pods", "logs web", "exec web -- true", "delete pod web"};

		ctl(fixture, lines[i]);
		CHECK_EQ(lines[i], fixture->code, 1);
		CHECK_STR(lines[i], fixture->err, want);
	}
	unlink(fixture->socket);
	ctl(fixture, "get pods");
	CHECK_HAS("no socket", fixture->err, ": No such file or directory\n");
	fixture_free(fixture);
}
