// How this frontend talks to the service. VITE_AUTH is the answer to "How do browsers
// authenticate?".
const url = import.meta.env.VITE_API_URL as string;
export const auth = import.meta.env.VITE_AUTH as string;
const withCookies = auth === "cookies" || auth === "cross-site-cookies";

export interface Note {
  id: string;
  text: string;
  done: boolean;
}

export async function call<T>(
  method: string,
  path: string,
  body?: unknown,
  token?: string,
): Promise<T> {
  const headers: Record<string, string> = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method === "POST") headers["Idempotency-Key"] = crypto.randomUUID();
  if (token) headers["Authorization"] = `Bearer ${token}`;
  const response = await fetch(url + path, {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
    credentials: withCookies ? "include" : "omit",
  });
  if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}`);
  return (response.status === 204 ? undefined : await response.json()) as T;
}
