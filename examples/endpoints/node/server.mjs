// A service with the endpoints that a health gate needs, for Node 20 and without any package.
//
//     PORT=8080 PGHOST=… PGDATABASE=… node server.mjs
//
// It finds its database by libpq's variables, and asks it through psql; a service of yours has a driver for that.

import { execFile } from "node:child_process";
import { createServer } from "node:http";

// The number of the migration that this build was written against.
const NEEDS_SCHEMA = 1;

const SCHEMA = "SELECT coalesce(max(number), 0) FROM lockkeeper.migrations WHERE state = 'applied'";

// How often the database is looked at, whoever asks how often.
const LOOK_EVERY_MS = 500;

// A look that is older says nothing: whoever looks may hang.
const LOOK_OLD_MS = 5000;

const beganAt = Date.now();

// What the last look at the database brought: the schema's number, or why it is not known.
let look = { at: performance.now(), schema: null, why: "nobody has looked yet" };

// Both series are there from the first moment on, with 0.
const counters = { requests: 0, errors: 0 };

// The number of the last migration that stands. Neither the connection nor the statement may take long.
function lookAtDatabase() {
  const args = ["--no-psqlrc", "--tuples-only", "--no-align", "--command", SCHEMA];
  const env = { ...process.env, PGCONNECT_TIMEOUT: "2", PGOPTIONS: "-c statement_timeout=1000" };
  execFile("psql", args, { env, timeout: 3000 }, (error, stdout, stderr) => {
    const number = Number.parseInt(stdout, 10);
    const why = error ? stderr.trim() || error.message : Number.isNaN(number) ? "the database said no number" : null;
    look = { at: performance.now(), schema: why === null ? number : null, why };
    setTimeout(lookAtDatabase, LOOK_EVERY_MS);
  });
}

// Whether it can work, from the last look: an answer never waits for the database.
function readiness() {
  const age = performance.now() - look.at;
  let reason = look.why;
  if (age > LOOK_OLD_MS) {
    reason = "the last look at the database is too old";
  } else if (reason === null && look.schema < NEEDS_SCHEMA) {
    reason = `the schema is at ${look.schema}, and ${NEEDS_SCHEMA} is needed`;
  }
  const ready = reason === null;
  const schema = { is: look.schema, needs: NEEDS_SCHEMA };
  return json(ready ? 200 : 503, { ready, reason, schema, looked_ms_ago: Math.round(age) });
}

// A request of a user: what it was answered decides whether it is an error. One that the user got wrong is none.
function counted(path) {
  const answer = work(path);
  counters.requests += 1;
  counters.errors += answer.status >= 500 ? 1 : 0;
  return answer;
}

// The service itself, which needs its database.
function work(path) {
  if (path !== "/") {
    return text(404, "there is nothing here\n");
  }
  const works = look.why === null && look.schema >= NEEDS_SCHEMA;
  return works ? text(200, "hello\n") : text(500, "it did not work\n");
}

function metrics() {
  const lines = [
    "# TYPE http_requests_total counter",
    `http_requests_total ${counters.requests}`,
    "# TYPE http_errors_total counter",
    `http_errors_total ${counters.errors}`,
    "# TYPE process_start_time_seconds gauge",
    `process_start_time_seconds ${beganAt / 1000}`,
  ];
  return { status: 200, type: "text/plain; version=0.0.4", body: `${lines.join("\n")}\n` };
}

function text(status, body) {
  return { status, type: "text/plain", body };
}

function json(status, value) {
  return { status, type: "application/json", body: `${JSON.stringify(value)}\n` };
}

const endpoints = {
  "/livez": () => text(200, "alive\n"),
  "/readyz": readiness,
  "/metrics": metrics,
  "/counters": () => json(200, counters),
};

const server = createServer((request, response) => {
  // Everything else is what the service is there for, and only that is counted.
  const endpoint = endpoints[request.url] ?? (() => counted(request.url));
  const { status, type, body } = endpoint();
  response.writeHead(status, { "Content-Type": type, "Cache-Control": "no-store", Connection: "close" });
  response.end(body);
});

lookAtDatabase();
server.listen(Number(process.env.PORT ?? 8080), "127.0.0.1", () => {
  const { address, port } = server.address();
  console.log(`listening on ${address}:${port}`);
});
