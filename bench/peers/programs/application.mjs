// The benchmark's application protocol on socket.io, for Node and Bun alike.

import { PerformanceObserver } from "node:perf_hooks";

const pauses = { count: 0, total: 0, longest: 0 }; // milliseconds

// Bun has no such entries: its pauses stay unknown.
const observable = (PerformanceObserver.supportedEntryTypes ?? []).includes("gc");
if (observable) {
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      pauses.count += 1;
      pauses.total += duration;
      pauses.longest = Math.max(pauses.longest, duration);
    }
  }).observe({ entryTypes: ["gc"] });
}

function collectorPauses(what) {
  if (what === "reset") Object.assign(pauses, { count: 0, total: 0, longest: 0 });
  return observable ? pauses : null;
}

export function serve(io) {
  io.on("connection", (socket) => {
    socket.on("echo", (data, done) => done(data));
    socket.on("pub", (data) => io.emit("msg", data));
    socket.on("bin", (data) => io.emit("msg", data));
    socket.on("say", (room, data) => io.to(room).emit("msg", data));
    socket.on("join", (rooms, done) => {
      socket.join(rooms);
      done();
    });
    socket.on("leave", (rooms, done) => {
      for (const room of rooms) socket.leave(room);
      done();
    });
    socket.on("ask", async (data, done) => done(await socket.timeout(5000).emitWithAck("q", data)));
    socket.on("gc", (what, done) => done(collectorPauses(what)));
  });
}

// Every peer tells its port in a line of its own once it listens.
export function tell(port) {
  console.log(JSON.stringify({ port }));
}
