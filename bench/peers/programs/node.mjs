// socket.io on Node. Its defaults, but for the message size: 16 KiB payloads times 64 in one polling body need room.

import { createServer } from "node:http";
import { Server } from "socket.io";
import { serve, tell } from "./application.mjs";

const http = createServer();
serve(new Server(http));
http.listen(0, "127.0.0.1", 4096, () => tell(http.address().port));
