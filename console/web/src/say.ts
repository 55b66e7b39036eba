// Numbers and times as people read them.

// duration says milliseconds with three digits at most: 41.8 ms, 3.2 s, 12 µs.
export function duration(ms: number): string {
  const a = Math.abs(ms);
  if (a === 0) return '0';
  if (a < 0.001) return '<1 µs';
  if (a < 0.9995) return `${Math.round(ms * 1000)} µs`;
  if (a < 9.995) return `${ms.toFixed(2)} ms`;
  if (a < 99.95) return `${ms.toFixed(1)} ms`;
  if (a < 999.5) return `${Math.round(ms)} ms`;
  if (a < 99_950) return `${(ms / 1000).toFixed(a < 9_995 ? 2 : 1)} s`;
  if (a < 5_940_000) return `${Math.round(ms / 60_000)} min`;
  if (a < 172_800_000) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / 86_400_000)} d`;
}

export const count = (n: number): string => n.toLocaleString('en');

export function bytes(n: number): string {
  if (n < 1000) return `${n} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let i = -1;
  do {
    n /= 1000;
    i++;
  } while (n >= 999.5 && i < units.length - 1);
  return `${n.toFixed(n < 9.95 ? 1 : 0)} ${units[i]}`;
}

// ago says how long before now a moment was.
export function ago(at: string | Date, now = new Date()): string {
  const s = (now.getTime() - new Date(at).getTime()) / 1000;
  if (s < 2) return 'now';
  if (s < 60) return `${Math.floor(s)} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ago`;
  return `${Math.floor(s / 86_400)} d ago`;
}

// clock is the time of day, to the second; with day, the date before it.
export function clock(at: string | Date, { day = false, millis = false } = {}): string {
  const d = new Date(at);
  const p = (n: number, w = 2) => String(n).padStart(w, '0');
  const time = `${p(d.getHours())}:${p(d.getMinutes())}:${p(d.getSeconds())}${millis ? `.${p(d.getMilliseconds(), 3)}` : ''}`;
  return day ? `${d.getFullYear()}-${p(d.getMonth() + 1)}-${p(d.getDate())} ${time}` : time;
}

export const plural = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`;

// sentence makes a reason's text a sentence: a capital letter, and a stop.
export const sentence = (text: string): string => {
  const t = text.trim();
  const first = /^[a-z]+([ ,]|$)/.test(t) ? `${t[0]?.toUpperCase()}${t.slice(1)}` : t; // cors.origins and https:// stay as they are
  return first && `${first}${/[.!?…:]$/.test(first) ? '' : '.'}`;
};

export const shortID = (id: string): string => id.slice(0, 8);
