// Stock socket.io clients, driven line by line. Reads one JSON command per line from stdin and writes one JSON report
// per line to stdout; ends when stdin does. tests/clients/node.py is the other side and the only user.
//
// Commands:
//   {op: "connect", id, url, namespace, options}       a client with a connection of its own
//   {op: "join", id, on, namespace, options}           one more namespace on the connection of client `on`
//   {op: "emit", id, event, args, volatile}
//   {op: "call", id, seq, event, args, timeout}        emit with an acknowledgement; reported as reply or failure
//   {op: "burst", id, events, end}                     emits [name, ...args] one after the other, then does `end`
//                                                      ("disconnect", "cut", null), all in one turn of the event loop
//   {op: "ack", id, ack, args}                         answers an event that asked for it
//   {op: "state", id, seq}                             reported as reply: [{connected, sid, transport}]
//   {op: "open", id} {op: "disconnect", id}            socket.connect(), socket.disconnect()
//   {op: "cut", id, abrupt}                            closes the connection below; abrupt: without a goodbye
//
// Reports:  {id, kind: "connect" | "connect_error" | "disconnect" | "event" | "upgrade" | "reply" | "failure", ...}
//
// Binary values travel as {"$bin": base64}, everywhere and in both directions.

import { createInterface } from "node:readline";
import { io } from "socket.io-client";
import msgpackParser from "socket.io-msgpack-parser";

const sockets = new Map(); // client id -> Socket
const acks = new Map(); // ack number -> the function that sends it
const watchedEngines = new WeakSet();
let nextAck = 1;

function packed(value) {
  if (value instanceof ArrayBuffer) return { $bin: Buffer.from(value).toString("base64") };
  if (ArrayBuffer.isView(value)) {
    return { $bin: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64") };
  }
  if (Array.isArray(value)) return value.map(packed);
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, packed(item)]));
  }
  return value === undefined ? null : value;
}

function unpacked(value) {
  if (Array.isArray(value)) return value.map(unpacked);
  if (value === null || typeof value !== "object") return value;
  if (typeof value.$bin === "string") return Buffer.from(value.$bin, "base64");
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unpacked(item)]));
}

function report(id, kind, fields = {}) {
  process.stdout.write(JSON.stringify({ id, kind, ...fields }) + "\n");
}

function clientOptions({ parser, ...options }) {
  return {
    forceNew: true,
    reconnection: false,
    ...unpacked(options),
    ...(parser === "msgpack" ? { parser: msgpackParser } : {}),
  };
}

function watchUpgrades(id, manager) {
  const engine = manager.engine;
  if (engine === undefined || watchedEngines.has(engine)) return;
  watchedEngines.add(engine);
  engine.on("upgrade", (transport) => report(id, "upgrade", { transport: transport.name }));
}

function received(id, event, args) {
  const last = args.at(-1);
  if (typeof last !== "function") return report(id, "event", { event, args: packed(args) });
  const ack = nextAck++;
  acks.set(ack, last);
  report(id, "event", { event, args: packed(args.slice(0, -1)), ack });
}

function watch(id, socket) {
  sockets.set(id, socket);
  // The manager opens in a later turn of the event loop, so nothing is missed by listening only now.
  socket.io.on("open", () => watchUpgrades(id, socket.io));
  socket.on("connect", () =>
    report(id, "connect", { sid: socket.id, transport: socket.io.engine.transport.name, recovered: socket.recovered }),
  );
  socket.on("connect_error", (error) =>
    report(id, "connect_error", { message: error.message, data: packed(error.data) }),
  );
  socket.on("disconnect", (reason) => report(id, "disconnect", { reason }));
  socket.onAny((event, ...args) => received(id, event, args));
}

const operations = {
  connect({ id, url, namespace, options }) {
    watch(id, io(url + namespace, clientOptions(options)));
  },

  join({ id, on, namespace, options }) {
    // Connects by itself, as the manager does; a connect() here would send a second CONNECT.
    watch(id, sockets.get(on).io.socket(namespace, unpacked(options)));
  },

  emit({ id, event, args, volatile }) {
    const socket = sockets.get(id);
    (volatile ? socket.volatile : socket).emit(event, ...unpacked(args));
  },

  call({ id, seq, event, args, timeout }) {
    sockets.get(id).timeout(timeout).emit(event, ...unpacked(args), (error, ...values) => {
      if (error) report(id, "failure", { seq, message: error.message });
      else report(id, "reply", { seq, args: packed(values) });
    });
  },

  burst({ id, events, end }) {
    for (const [event, ...args] of events) operations.emit({ id, event, args });
    if (end !== null) operations[end]({ id, abrupt: false });
  },

  ack({ ack, args }) {
    acks.get(ack)(...unpacked(args));
    acks.delete(ack);
  },

  state({ id, seq }) {
    const socket = sockets.get(id);
    const transport = socket.io.engine?.transport?.name ?? null;
    report(id, "reply", { seq, args: [{ connected: socket.connected, sid: socket.id ?? null, transport }] });
  },

  open({ id }) {
    sockets.get(id).connect();
  },

  disconnect({ id }) {
    sockets.get(id).disconnect();
  },

  cut({ id, abrupt }) {
    const engine = sockets.get(id).io.engine;
    const ws = engine.transport.ws;
    if (abrupt && ws !== undefined) ws.terminate();
    else engine.close();
  },
};

const lines = createInterface({ input: process.stdin, crlfDelay: Infinity });
lines.on("line", (line) => {
  const { op, ...command } = JSON.parse(line);
  operations[op](command);
});
lines.on("close", () => {
  for (const socket of sockets.values()) socket.disconnect();
  // Node ends by itself once the goodbyes are sent; a peer that does not answer them is not waited for.
  setTimeout(() => process.exit(0), 1000).unref();
});
