// The gateway: one websocket that resumes where it was torn.

import { signal } from "@preact/signals";

/** What the connection is doing. */
export type Link = "connecting" | "live" | "lost";

interface Payload {
  op: number;
  d: any;
  s: number | null;
  t: string | null;
}

/** Close codes after which a session cannot go on (Gateway Close Event Codes). */
const FATAL = new Set([4004, 4010, 4011, 4012, 4013, 4014]);

/** How long a connection may take until Discord says hello, in milliseconds: a socket waits for ever. */
const HELLO_MS = 8000;

const BACKOFF_MS = [0, 500, 1000, 2000, 4000, 8000];

export class Gateway {
  readonly link = signal<Link>("connecting");
  /** The session that interactions name. */
  session = "";
  private socket: WebSocket | null = null;
  private seq: number | null = null;
  private beat = 0;
  private answered = true;
  private failures = 0;
  private closed = false;
  private timer = 0;

  constructor(
    private readonly token: string,
    private readonly heard: (name: string, data: any) => void,
  ) {
    this.open();
    addEventListener("online", this.reopen);
    document.addEventListener("visibilitychange", this.hurry);
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    clearInterval(this.beat);
    removeEventListener("online", this.reopen);
    document.removeEventListener("visibilitychange", this.hurry);
    this.socket?.close(1000);
  }

  private open = (): void => {
    clearTimeout(this.timer);
    const address = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/?v=10&encoding=json`;
    const socket = new WebSocket(address);
    this.socket = socket;
    this.timer = window.setTimeout(() => this.giveUp(socket), HELLO_MS);
    socket.onmessage = (event) => this.payload(socket, JSON.parse(event.data));
    socket.onclose = (event) => this.gone(socket, event.code);
  };

  /** A phone that wakes up does not wait for a timer. */
  private hurry = (): void => {
    if (!document.hidden && this.socket?.readyState === WebSocket.CLOSED) this.reopen();
  };

  /** The network is back: what was begun without it is left, and nobody waits for a timer. */
  private reopen = (): void => {
    if (this.closed || this.link.peek() === "live") return;
    const old = this.socket;
    this.open();
    old?.close(4900);
  };

  /** A socket that is told to close may wait for an answer that never comes: it is left at once. */
  private giveUp(socket: WebSocket): void {
    socket.close(4900);
    this.gone(socket, 4900);
    if (socket === this.socket) this.socket = null;
  }

  private payload(socket: WebSocket, { op, d, s, t }: Payload): void {
    if (socket !== this.socket) return;
    if (s !== null && s !== undefined) this.seq = s;
    switch (op) {
      case 0:
        if (t === "READY") this.session = d.session_id;
        if (t === "READY" || t === "RESUMED") {
          this.failures = 0;
          this.link.value = "live";
        }
        this.heard(t ?? "", d);
        break;
      case 1:
        this.heartbeat(socket);
        break;
      case 7:
        socket.close(4900);
        break;
      case 9:
        if (!d) this.forget();
        socket.close(4900);
        break;
      case 10:
        this.greet(socket, d.heartbeat_interval);
        break;
      case 11:
        this.answered = true;
        break;
    }
  }

  private greet(socket: WebSocket, interval: number): void {
    clearTimeout(this.timer);
    clearInterval(this.beat);
    this.answered = true;
    this.beat = window.setInterval(() => {
      // No answer to the last one: the line is dead, whatever the socket thinks.
      if (!this.answered) this.giveUp(socket);
      else this.heartbeat(socket);
    }, interval);
    if (this.session) {
      this.send(socket, 6, { token: this.token, session_id: this.session, seq: this.seq });
    } else {
      const properties = { os: "web", browser: "sandbox", device: "" };
      this.send(socket, 2, { token: this.token, properties, presence: { status: "online", activities: [], since: 0, afk: false } });
    }
  }

  private heartbeat(socket: WebSocket): void {
    this.answered = false;
    this.send(socket, 1, this.seq);
  }

  private send(socket: WebSocket, op: number, d: unknown): void {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ op, d }));
  }

  private forget(): void {
    this.session = "";
    this.seq = null;
  }

  private gone(socket: WebSocket, code: number): void {
    if (socket !== this.socket || this.closed) return;
    clearInterval(this.beat);
    this.link.value = "lost";
    if (code === 4007 || code === 4009) this.forget();
    if (FATAL.has(code)) {
      this.forget();
      this.heard("LOGGED_OUT", null);
      return;
    }
    const wait = BACKOFF_MS[Math.min(this.failures, BACKOFF_MS.length - 1)]!;
    this.failures += 1;
    this.timer = window.setTimeout(this.open, wait * (0.75 + Math.random() / 2));
  }
}
