// The document from end to end, as its front-ends do it: stock socket.io-client, fetch and FormData.
//
// node document.mjs URL TOKENS CLIENT: TOKENS is JSON {buyer, seller, expired}; CLIENT is the folder that socket.io-client
// is installed in. Prints what came, by the name of the example in the document it belongs to, as one JSON object.

import { createRequire } from "node:module";

const [url, tokens, folder] = [process.argv[2], JSON.parse(process.argv[3]), process.argv[4]];
const { io } = createRequire(folder + "/")("socket.io-client");
const came = {};
const sockets = [];

function within(promise, what) {
  let timer;
  const late = new Promise((_, fail) => (timer = setTimeout(() => fail(new Error(`no ${what}`)), 15_000)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
const heard = (socket, event) => within(new Promise((done) => socket.once(event, done)), event);
const opened = (options) => {
  const socket = io(url, { forceNew: true, ...options });
  sockets.push(socket);
  return socket;
};

async function http(token, method, path, body) {
  const isForm = body instanceof FormData;
  const response = await fetch(url + path, {
    method,
    headers: { Authorization: `Bearer ${token}`, ...(body && !isForm ? { "Content-Type": "application/json" } : {}) },
    body: isForm ? body : body && JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

const PNG = Buffer.concat([Buffer.from("89504e470d0a1a0a", "hex"), Buffer.alloc(100_000, 7)]);

async function rest() {
  const { buyer, seller } = tokens;
  came.create = await http(buyer, "POST", "/api/chat/create", { participantId: "seller", petId: "pet_id" });
  const chatId = came.create.body.data._id;
  came.send = await http(buyer, "POST", `/api/chat/${chatId}/send`, {
    content: "Hello! Is this pet still available?",
    messageType: "text",
  });
  came.myChats = await http(seller, "GET", "/api/chat/my-chats?page=1&limit=20");
  came.reply = await http(seller, "POST", `/api/chat/${chatId}/send`, {
    content: "Yes!",
    messageType: "text",
    parentMessageId: came.send.body.data._id,
  });
  const media = new FormData();
  media.append("media", new Blob([PNG], { type: "image/png" }), "../../puppy.png");
  came.sendMedia = await http(seller, "POST", `/api/chat/${chatId}/send-media`, media);
  const captioned = new FormData();
  captioned.append("content", "Optional caption for media");
  captioned.append("media", new Blob([PNG]), "puppy.png");
  came.captioned = await http(seller, "POST", `/api/chat/${chatId}/send-media`, captioned);
  came.markRead = await http(buyer, "PUT", `/api/chat/${chatId}/mark-read`);
  came.messages = await http(buyer, "GET", `/api/chat/${chatId}/messages?page=1&limit=50`);
  came.deleted = await http(seller, "DELETE", `/api/chat/message/${came.reply.body.data._id}`);
  came.blocked = await http(seller, "PUT", `/api/chat/${chatId}/toggle-block`);
  came.refused = await http(buyer, "POST", `/api/chat/${chatId}/send`, { content: "x", messageType: "text" });
  came.unblocked = await http(seller, "PUT", `/api/chat/${chatId}/toggle-block`);
  const name = came.sendMedia.body.data.mediaUrl;
  const part = await fetch(`${url}/api/chat/media/${name}?token=${buyer}`, { headers: { Range: "bytes=8-17" } });
  came.media = { status: part.status, type: part.headers.get("content-type"), bytes: (await part.arrayBuffer()).byteLength };
  return chatId;
}

async function events(chatId) {
  // Connection setup, and the hook of the React Native example.
  const buyer = opened({ auth: { token: tokens.buyer } });
  const seller = opened({ auth: { token: tokens.seller }, transports: ["websocket", "polling"] });
  seller.on("connect", () => seller.emit("online"));
  await Promise.all([heard(buyer, "connect"), heard(seller, "connect")]);
  buyer.emit("online");

  const typing = heard(seller, "typing");
  buyer.emit("typing", { chatId, isTyping: true });
  came.typing = await typing;

  const both = [heard(buyer, "newMessage"), heard(seller, "newMessage")];
  const content = "Hello! Is this pet still available?";
  buyer.emit("sendMessage", { chatId, content, messageType: "text", mediaUrl: null, parentMessageId: null });
  came.newMessage = await both[0];
  came.newMessageOfSeller = await both[1];
  came.notification = {
    title: came.newMessage.sender.name,
    body: came.newMessage.content,
    data: { chatId: came.newMessage.chat, messageId: came.newMessage._id },
  };
  came.acknowledged = await within(
    new Promise((done) => buyer.emit("sendMessage", { chatId, content: "acked", messageType: "text" }, done)),
    "acknowledgement",
  );

  const read = heard(buyer, "messageRead");
  seller.emit("markAsRead", { chatId, messageId: came.newMessage._id });
  came.messageRead = await read;

  const reaction = heard(buyer, "messageReaction");
  seller.emit("reactMessage", { chatId, messageId: came.newMessage._id, emoji: "\u{1F436}" });
  came.messageReaction = await reaction;
  const edited = heard(seller, "messageEdited");
  buyer.emit("editMessage", { messageId: came.newMessage._id, content: "Edited" });
  came.messageEdited = await edited;

  const error = heard(buyer, "error");
  buyer.emit("sendMessage", { chatId: "test-chat-id", content: "Hello from test", messageType: "text" });
  came.error = await error;

  // Disconnect, the client's own reconnection, and online again.
  const gone = heard(seller, "disconnect");
  seller.io.engine.close();
  came.reason = await gone;
  came.attempts = await within(new Promise((done) => seller.io.once("reconnect", done)), "reconnect");
  const again = heard(seller, "newMessage");
  buyer.emit("sendMessage", { chatId, content: "after the reconnection", messageType: "text" });
  came.afterReconnect = (await again).content;
}

async function oldStyleFeatures() {
  // "Chat with Seller", the chat list and the chat screen of the React examples.
  const { body: chatData } = await http(tokens.buyer, "POST", "/api/chat/create", { participantId: "seller", petId: "pet_id" });
  const chatId = chatData.data._id;
  const { body: list } = await http(tokens.buyer, "GET", "/api/chat/my-chats");
  came.chatList = list.data.chats.map((chat) => {
    const other = chat.participants.find((p) => p._id !== "buyer");
    const unread = chat.unreadCount.find((u) => u.userId === "buyer")?.count || 0;
    const pet = chat.petListing && [chat.petListing.images[0]?.url, chat.petListing.title, chat.petListing.price];
    return [other.name, other.profilePicture, pet, chat.lastMessage?.content, typeof chat.lastMessageTime, unread];
  });

  const screen = opened({ auth: { token: tokens.buyer } });
  const other = opened({ auth: { token: tokens.seller } });
  await Promise.all([heard(screen, "connect"), heard(other, "connect")]);
  let messages = [];
  let isTyping = false;
  screen.emit("join-chat", { chatId });
  screen.on("newMessage", (message) => (messages = [...messages, message]));
  screen.on("typing", ({ userId, isTyping: typing }) => (isTyping = typing && userId !== "buyer"));
  screen.emit("typing", { chatId, isTyping: true });
  const focus = heard(screen, "typing");
  other.emit("typing", { chatId, isTyping: true });
  await focus;
  const [begun, blur] = [isTyping, heard(screen, "typing")];
  other.emit("typing", { chatId, isTyping: false });
  await blur;
  came.indicator = [begun, isTyping];
  for (const content of ["one", "two"]) {
    const message = heard(screen, "newMessage");
    screen.emit("sendMessage", { chatId, content, messageType: "text" });
    await message;
  }
  came.screen = messages.map((message) => message.content);
  screen.off("newMessage");
  screen.off("typing");
  screen.disconnect();
}

async function tests() {
  // The Jest example: a client that never joins gets its own message.
  const { body: chat } = await http(tokens.buyer, "POST", "/api/chat/create", { participantId: "someone" });
  const client = opened({ auth: { token: tokens.buyer } });
  await heard(client, "connect");
  const message = heard(client, "newMessage");
  client.emit("sendMessage", { chatId: chat.data._id, content: "Hello from test", messageType: "text" });
  came.jest = (await message).content;
}

async function troubleshooting() {
  const socket = opened({ auth: { token: tokens.expired }, timeout: 20000, reconnectionAttempts: 5, reconnectionDelay: 2000 });
  const refreshToken = async () => tokens.buyer;
  socket.on("connect_error", (error) => {
    came.refusal = error.message;
    if (error.message === "Authentication error") {
      refreshToken().then((newToken) => {
        socket.auth.token = newToken;
        socket.connect();
      });
    }
  });
  await heard(socket, "connect");
  came.refreshed = socket.connected;
}

try {
  const chatId = await rest();
  await events(chatId);
  await oldStyleFeatures();
  await tests();
  await troubleshooting();
  console.log(JSON.stringify(came));
} finally {
  for (const socket of sockets) socket.disconnect();
}
