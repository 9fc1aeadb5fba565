import { type FormEvent, useEffect, useState } from "react";
import { auth, call, type Note } from "./api";

export function App() {
  const [notes, setNotes] = useState<Note[]>([]);
  const [text, setText] = useState("");
  const [error, setError] = useState("");

  // Shows what a user would see: the message of whatever went wrong, a blocked request included.
  const attempt = async (action: () => Promise<void>) => {
    try {
      await action();
      setError("");
    } catch (problem) {
      setError(problem instanceof Error ? problem.message : String(problem));
    }
  };
  const load = async () => setNotes(await call<Note[]>("GET", "/notes"));
  const change = (action: () => Promise<unknown>) =>
    attempt(async () => {
      await action();
      await load();
    });

  useEffect(() => void attempt(load), []);

  const add = (event: FormEvent) => {
    event.preventDefault();
    void change(() => call("POST", "/notes", { text })).then(() => setText(""));
  };

  return (
    <main style={{ fontFamily: "system-ui", maxWidth: "30rem", margin: "2rem auto" }}>
      <h1>Notes</h1>
      {error && <p role="alert">The service cannot be used: {error}</p>}
      <form onSubmit={add}>
        <input
          id="text"
          value={text}
          onChange={(event) => setText(event.target.value)}
          placeholder="A note"
        />
        <button id="add">Add</button>
      </form>
      <ul>
        {notes.map((note) => (
          <li key={note.id} className={note.done ? "done" : "open"}>
            <span className="text" style={{ textDecoration: note.done ? "line-through" : "none" }}>
              {note.text}
            </span>{" "}
            <button
              className="toggle"
              onClick={() => change(() => call("PATCH", `/notes/${note.id}`, { done: !note.done }))}
            >
              Done
            </button>
            <button
              className="shout"
              onClick={() =>
                change(() => call("PUT", `/notes/${note.id}`, { text: `${note.text}!` }))
              }
            >
              Shout
            </button>
            <button
              className="delete"
              onClick={() => change(() => call("DELETE", `/notes/${note.id}`))}
            >
              Delete
            </button>
          </li>
        ))}
      </ul>
      {auth === "bearer" && <Me attempt={attempt} />}
      {auth.endsWith("cookies") && <Session attempt={attempt} />}
    </main>
  );
}

type Attempt = { attempt: (action: () => Promise<void>) => Promise<void> };

function Me({ attempt }: Attempt) {
  const [token, setToken] = useState("");
  const [subject, setSubject] = useState("");
  const ask = () =>
    attempt(async () =>
      setSubject((await call<{ subject: string }>("GET", "/me", undefined, token)).subject),
    );
  return (
    <section>
      <input
        id="token"
        value={token}
        onChange={(event) => setToken(event.target.value)}
        placeholder="A token"
      />
      <button id="who" onClick={() => void ask()}>
        Who am I?
      </button>
      <output id="subject">{subject}</output>
    </section>
  );
}

type SessionData = { display_name: string | null };

function Session({ attempt }: Attempt) {
  const [name, setName] = useState("");
  const [kept, setKept] = useState("");
  const load = async () =>
    setKept((await call<SessionData>("GET", "/session")).display_name ?? "nobody");
  useEffect(() => void attempt(load), []);
  const keep = () =>
    attempt(async () => {
      await call("PUT", "/session", { display_name: name });
      await load();
    });
  return (
    <section>
      <input
        id="name"
        value={name}
        onChange={(event) => setName(event.target.value)}
        placeholder="Your name"
      />
      <button id="keep" onClick={() => void keep()}>
        Keep
      </button>
      <output id="kept">{kept}</output>
    </section>
  );
}
