// socket.io on Bun with its own engine: the fastest Socket.IO server there is.

import { Server as Engine } from "@socket.io/bun-engine";
import { Server } from "socket.io";
import { serve, tell } from "./application.mjs";

const io = new Server();
const engine = new Engine({ path: "/socket.io/" });
io.bind(engine);
serve(io);
tell(Bun.serve({ ...engine.handler(), hostname: "127.0.0.1", port: 0 }).port);
