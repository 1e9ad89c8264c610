// The console's function as AWS runs it: a Runtime API that it polls, and a front that turns requests into events of the
// HTTP API (payload format 2.0) and its answers into responses.
import { spawn } from "node:child_process";
import http from "node:http";

/** Listens at a free port of this machine. */
export function listen(handler, port = 0) {
  const server = http.createServer(handler);
  return new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve(server)));
}

async function bytes(stream) {
  const all = [];
  for await (const some of stream) all.push(some);
  return Buffer.concat(all);
}

/** Starts the function; returns a way to hand it an event, and a way to end it. */
async function runtime(binary, variables) {
  const waiting = [];
  const answers = new Map();
  let poll = null;
  let number = 0;
  const hand = () => {
    if (!poll || waiting.length === 0) return;
    const { id, event } = waiting.shift();
    poll.writeHead(200, {
      "lambda-runtime-aws-request-id": id,
      "lambda-runtime-deadline-ms": String(Date.now() + 29_000),
      "lambda-runtime-invoked-function-arn": "arn:aws:lambda:eu-west-1:000000000000:function:console",
      "content-type": "application/json",
    });
    poll.end(JSON.stringify(event));
    poll = null;
  };
  const server = await listen(async (request, response) => {
    const parts = request.url.split("/");
    if (request.method === "GET") {
      poll = response;
      return hand();
    }
    const body = JSON.parse((await bytes(request)).toString() || "null");
    const [id, outcome] = parts.slice(-2);
    answers.get(id)?.(outcome === "response" ? body : { statusCode: 500, body: JSON.stringify(body) });
    response.writeHead(202).end();
  });
  const env = { ...variables, AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${server.address().port}` };
  const child = spawn(binary, [], { env, stdio: ["ignore", "pipe", "inherit"] });
  let log = "";
  child.stdout.on("data", (some) => (log += some));
  return {
    log: () => log,
    invoke(event) {
      const id = `request-${++number}`;
      return new Promise((resolve) => {
        answers.set(id, resolve);
        waiting.push({ id, event });
        hand();
      });
    },
    end() {
      child.kill();
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Starts the function behind an address of this machine. */
export async function front(binary, variablesOf) {
  let lambda;
  const server = await listen(async (request, response) => {
    const [path, query] = request.url.split(/\?(.*)/s);
    const body = await bytes(request);
    const { cookie, ...headers } = request.headers;
    const answer = await lambda.invoke({
      version: "2.0",
      routeKey: "$default",
      rawPath: decodeURIComponent(path),
      rawQueryString: query ?? "",
      ...(cookie ? { cookies: cookie.split("; ") } : {}),
      headers,
      requestContext: {
        domainName: request.headers.host,
        http: { method: request.method, path, sourceIp: "203.0.113.9", protocol: "HTTP/1.1" },
      },
      ...(body.length ? { body: body.toString("base64") } : {}),
      isBase64Encoded: body.length > 0,
    });
    const text = answer.isBase64Encoded ? Buffer.from(answer.body, "base64") : (answer.body ?? "");
    const cookies = answer.cookies?.length ? { "set-cookie": answer.cookies } : {};
    response.writeHead(answer.statusCode, { ...answer.headers, ...cookies }).end(text);
  });
  const origin = `http://127.0.0.1:${server.address().port}`;
  lambda = await runtime(binary, await variablesOf(origin));
  return {
    origin,
    log: () => lambda.log(),
    end() {
      lambda.end();
      server.close();
      server.closeAllConnections();
    },
  };
}
