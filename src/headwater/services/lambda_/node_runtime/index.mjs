// The client of the Lambda Runtime API for Node.js: it runs in the function's process, not in Headwater's.
//
// AWS's own (aws-lambda-ric) is compiled against one version of Node.js and its C library; this one is plain JavaScript on
// node:http, and so runs on whichever Node.js the machine has. What a handler may be: a function of a CommonJS or an ES module
// that returns a promise, or calls back, or writes to a stream (awslambda.streamifyResponse). A function that does not return a
// promise has answered when nothing is left for the process to do, unless it says otherwise (callbackWaitsForEmptyEventLoop).
// Source: "Define Lambda function handler in Node.js" and "Using the Lambda runtime API" of the developer guide.

import http from "node:http";
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { Writable } from "node:stream";
import { format } from "node:util";

const API = "/2018-06-01/runtime";
const WITHOUT_CALLBACKS = 24; // from nodejs24.x on a handler returns a promise, or streams
const STREAMING = Symbol.for("aws.lambda.runtime.handler.streaming");
const INTEGRATION = "application/vnd.awslambda.http-integration-response";
const [HOST, PORT] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const ROOT = process.env.LAMBDA_TASK_ROOT;
const callsBack = Number(/nodejs(\d+)/.exec(process.env.AWS_EXECUTION_ENV || "")?.[1] ?? 0) < WITHOUT_CALLBACKS;
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const streamAgent = new http.Agent({ keepAlive: true, maxSockets: 1 });

// -- the Runtime API ---------------------------------------------------------------------------------------------------

function ask(method, where, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const content = body === undefined ? undefined : Buffer.from(body);
    const all = content === undefined ? headers : { "Content-Length": content.length, "Content-Type": "application/json", ...headers };
    const request = http.request({ host: HOST, port: PORT, method, path: API + where, agent, headers: all }, (response) => {
      const pieces = [];
      response.on("data", (piece) => pieces.push(piece));
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(pieces).toString() }));
      response.on("error", reject);
    });
    request.on("error", reject);
    request.end(content);
  });
}

// -- the log -----------------------------------------------------------------------------------------------------------

const LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
const asJson = process.env.AWS_LAMBDA_LOG_FORMAT === "JSON";
const lowest = asJson ? Math.max(0, LEVELS.indexOf(process.env.AWS_LAMBDA_LOG_LEVEL || "INFO")) : 0;
let currentId;

function write(line) {
  process.stdout.write(line.replace(/\r?\n/g, "\r") + "\n"); // a line feed would begin another event
}

function log(level, ...words) {
  if (LEVELS.indexOf(level) < lowest) return;
  const at = new Date().toISOString();
  if (!asJson) {
    write(`${at}\t${currentId}\t${level}\t${format(...words)}`);
    return;
  }
  const event = { timestamp: at, level, requestId: currentId };
  const [first] = words;
  if (words.length === 1 && first instanceof Error) Object.assign(event, described(first, "stackTrace"));
  else event.message = words.length === 1 && typeof first === "object" && first !== null ? first : format(...words);
  try {
    write(JSON.stringify(event));
  } catch {
    write(JSON.stringify({ ...event, message: format(...words) })); // it goes in circles
  }
}

console.log = (...words) => log("INFO", ...words);
console.info = (...words) => log("INFO", ...words);
console.warn = (...words) => log("WARN", ...words);
console.error = (...words) => log("ERROR", ...words);
console.debug = (...words) => log("DEBUG", ...words);
console.trace = (...words) => log("TRACE", ...words);

// -- errors ------------------------------------------------------------------------------------------------------------

class RuntimeError extends Error {
  constructor(kind, message) {
    super(message);
    this.name = `Runtime.${kind}`;
  }
}

function isError(value) {
  return value instanceof Error || Object.prototype.toString.call(value) === "[object Error]";
}

function described(error, trace) {
  if (!isError(error)) return { errorType: typeof error, errorMessage: String(error), [trace]: [] };
  return { errorType: error.name, errorMessage: error.message, [trace]: (error.stack || "").split("\n") };
}

function tell(what, error) {
  if (asJson) log("ERROR", error);
  else write(`${new Date().toISOString()}\t${currentId}\tERROR\t${what}\t${JSON.stringify({ ...error, ...described(error, "stack") })}`);
}

// -- the handler -------------------------------------------------------------------------------------------------------

function isModule(file) {
  if (!file.endsWith(".js")) return file.endsWith(".mjs");
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    const manifest = path.join(folder, "package.json");
    if (fs.existsSync(manifest)) return JSON.parse(fs.readFileSync(manifest, "utf8")).type === "module";
    if (folder === path.dirname(folder)) return false;
  }
}

async function loaded(stem) {
  const place = path.resolve(ROOT, stem);
  const file = ["", ".js", ".mjs", ".cjs"].map((end) => place + end).find((each) => fs.existsSync(each) && fs.statSync(each).isFile());
  if (file !== undefined && isModule(file)) return import(pathToFileURL(file).href);
  const require = createRequire(path.join(ROOT, "package.json"));
  return require(file ?? (fs.existsSync(place) ? place : require.resolve(stem, { paths: [ROOT] })));
}

async function handlerOf(name) {
  const found = /^(.*?)([^/]*?)\.(.+)$/.exec(name);
  if (found === null) throw new RuntimeError("MalformedHandlerName", "Bad handler");
  const [, folder, file, steps] = found;
  let module;
  try {
    module = await loaded(folder + file);
  } catch (error) {
    if (error instanceof SyntaxError) throw Object.assign(new RuntimeError("UserCodeSyntaxError", String(error)), { stack: error.stack });
    const missing = ["MODULE_NOT_FOUND", "ERR_MODULE_NOT_FOUND"].includes(error?.code);
    if (missing) throw Object.assign(new RuntimeError("ImportModuleError", String(error)), { stack: error.stack });
    throw error;
  }
  const pick = (from) => steps.split(".").reduce((each, step) => each?.[step], from);
  const handler = pick(module) ?? pick(module?.default);
  if (handler === undefined) throw new RuntimeError("HandlerNotFound", `${name} is undefined or not exported`);
  if (typeof handler !== "function") throw new RuntimeError("HandlerNotFound", `${name} is not a function`);
  if (!callsBack && handler.length > 2 && handler[STREAMING] === undefined) {
    const advice = "return a promise: callback-based function handlers are not supported from Node.js 24 on";
    throw new RuntimeError("CallbackHandlerDeprecated", `${name} takes a callback; it has to ${advice}`);
  }
  return handler;
}

// -- answers that stream -----------------------------------------------------------------------------------------------

class ResponseStream extends Writable {
  constructor(id) {
    super({ highWaterMark: 64 * 1024 });
    this._id = id;
    this._type = "application/octet-stream";
    this._opening = undefined;
    this._request = undefined;
  }

  setContentType(type) {
    if (this._request !== undefined) throw new RuntimeError("InvalidStreamingOperation", "Cannot set content-type, too late.");
    this._type = type;
  }

  get begun() {
    return this._request !== undefined;
  }

  _open() {
    if (this._request !== undefined) return this._request;
    this._request = http.request({
      host: HOST,
      port: PORT,
      method: "POST",
      path: `${API}/invocation/${this._id}/response`,
      agent: streamAgent,
      headers: {
        "Content-Type": this._type,
        "Lambda-Runtime-Function-Response-Mode": "streaming",
        "Transfer-Encoding": "chunked",
        Trailer: "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body",
      },
    });
    this._answered = new Promise((resolve, reject) => {
      this._request.on("response", (response) => response.resume().on("end", resolve));
      this._request.on("error", reject);
    });
    this._answered.catch((error) => this.destroy(error));
    if (this._opening !== undefined) this._request.write(this._opening);
    return this._request;
  }

  _write(piece, encoding, callback) {
    this._open().write(piece, encoding, callback);
  }

  _final(callback) {
    this._open().end();
    this._answered.then(() => callback(), callback);
  }

  async failed(error) {
    const words = described(error, "trace");
    const body = Buffer.from(JSON.stringify(words)).toString("base64");
    this._request.addTrailers({ "Lambda-Runtime-Function-Error-Type": words.errorType, "Lambda-Runtime-Function-Error-Body": body });
    this._request.end();
    await this._answered;
  }
}

globalThis.awslambda = {
  streamifyResponse(handler, options) {
    handler[STREAMING] = "response";
    if (options?.highWaterMark !== undefined) handler[Symbol.for("aws.lambda.runtime.handler.streaming.highWaterMark")] = options.highWaterMark;
    return handler;
  },
  HttpResponseStream: {
    from(stream, prelude) {
      stream.setContentType(INTEGRATION);
      stream._opening = Buffer.concat([Buffer.from(JSON.stringify(prelude)), Buffer.alloc(8)]);
      return stream;
    },
  },
};

// -- one event after the other -----------------------------------------------------------------------------------------

function contextOf(headers, settle) {
  const deadline = Number(headers["lambda-runtime-deadline-ms"]);
  const parsed = (name) => (headers[name] === undefined ? undefined : JSON.parse(headers[name]));
  const env = process.env;
  const context = {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parsed("lambda-runtime-client-context"),
    identity: parsed("lambda-runtime-cognito-identity"),
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    awsRequestId: headers["lambda-runtime-aws-request-id"],
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
  if (settle === undefined || !callsBack) return context;
  context.done = (error, value) => settle(error, value);
  context.succeed = (value) => settle(null, value);
  context.fail = (error) => settle(error === undefined || error === null ? "handled" : error);
  return context;
}

// What the handler came to: by its promise, its callback, or because nothing is left to do.
function outcomeOf(handler, event, headers) {
  return new Promise((resolve, reject) => {
    let said;
    const settle = () => {
      process.off("beforeExit", settle);
      const [error, value] = said ?? [null, null];
      if (error === null || error === undefined) resolve(value);
      else reject(error);
    };
    const now = (error, value) => {
      said ??= [error, value];
      settle();
    };
    process.once("beforeExit", settle);
    const context = contextOf(headers, now);
    const callback = (error, value) => {
      said ??= [error, value];
      if (!context.callbackWaitsForEmptyEventLoop) settle();
    };
    try {
      const returned = handler(event, context, callback);
      if (typeof returned?.then === "function") returned.then((value) => now(null, value), (error) => now(error ?? "handled"));
    } catch (error) {
      now(error ?? "handled");
    }
  });
}

async function streamed(handler, event, headers, id) {
  const stream = new ResponseStream(id);
  const finished = new Promise((resolve, reject) => stream.on("finish", resolve).on("error", reject));
  finished.catch(() => {});
  const end = () => stream.end();
  process.once("beforeExit", end);
  try {
    await handler(event, stream, contextOf(headers));
    await finished;
  } catch (error) {
    tell("Invoke Error ", error);
    if (stream.begun) await stream.failed(error);
    else await ask("POST", `/invocation/${id}/error`, JSON.stringify(described(error, "trace")));
  } finally {
    process.off("beforeExit", end);
  }
}

async function answered(handler, event, headers, id) {
  let body;
  try {
    const value = await outcomeOf(handler, event, headers);
    body = JSON.stringify(value === undefined ? null : value) ?? "null";
  } catch (error) {
    tell("Invoke Error ", error);
    await ask("POST", `/invocation/${id}/error`, JSON.stringify(described(error, "trace")));
    return;
  }
  await ask("POST", `/invocation/${id}/response`, body);
}

async function dies(kind, error, code) {
  tell(kind, error);
  if (error?.name === "Runtime.ImportModuleError" && /@aws-sdk|@smithy|'aws-sdk'/.test(error.message))
    write("HEADWATER AWS's SDK for JavaScript is no part of this runtime: bring it along, in the function's archive or in a layer");
  const words = JSON.stringify(described(error, "trace"));
  if (currentId === undefined) await ask("POST", "/init/error", words);
  else await ask("POST", `/invocation/${currentId}/error`, words);
  process.exit(code);
}

process.on("uncaughtException", (error) => void dies("Uncaught Exception ", error, 129));
process.on("unhandledRejection", (reason, promise) => {
  const error = new RuntimeError("UnhandledPromiseRejection", String(reason));
  void dies("Unhandled Promise Rejection ", Object.assign(error, { reason: described(reason, "stack"), promise: {} }), 128);
});

let handler;
try {
  handler = await handlerOf(process.env._HANDLER);
} catch (error) {
  await dies("Uncaught Exception ", error, 1);
}
for (;;) {
  currentId = undefined;
  const { headers, body } = await ask("GET", "/invocation/next");
  currentId = headers["lambda-runtime-aws-request-id"];
  process.env._X_AMZN_TRACE_ID = headers["lambda-runtime-trace-id"];
  let event;
  try {
    event = JSON.parse(body);
  } catch (error) {
    await ask("POST", `/invocation/${currentId}/error`, JSON.stringify(described(error, "trace")));
    continue;
  }
  if (handler[STREAMING] === "response") await streamed(handler, event, headers, currentId);
  else await answered(handler, event, headers, currentId);
}
