/** A form that asks the gateway for something, with what it was refused for beneath. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { RefusedError } from '../shell/gateway-link.ts';
import { problemText } from '../shell/session.ts';
import { useView } from '../shell/view.ts';

interface FormProps {
  part: string;
  title: string;
  why?: string;
  act: string;
  /** What keeps it from being sent; null when nothing does. */
  wrong?: string | null;
  isReady: boolean;
  send(): Promise<void>;
  children: ComponentChildren;
}

export function RequestForm({ part, title, why, act, wrong = null, isReady, send, children }: FormProps) {
  const { refused, isAsking, run } = useRequest();
  const problem = wrong ?? refused;
  return (
    <form
      class="sign-in"
      data-part={part}
      onSubmit={(event) => {
        event.preventDefault();
        if (isReady && wrong === null) void run(send);
      }}
    >
      <h2>{title}</h2>
      {why !== undefined && <p>{why}</p>}
      {children}
      <p class="sign-in-wrong" role="alert">{problem}</p>
      <button type="submit" disabled={isAsking || !isReady || wrong !== null}>{act}</button>
    </form>
  );
}

interface FormFieldProps {
  label: string;
  type?: 'text' | 'password';
  complete?: string;
  value: string;
  set(value: string): void;
}

export function FormField({ label, type = 'text', complete = 'off', value, set }: FormFieldProps) {
  return (
    <label>
      <span>{label}</span>
      {type === 'password'
        ? <input type="password" autoComplete={complete} value={value} onInput={(event) => set(event.currentTarget.value)} />
        : <input type="text" autoComplete={complete} value={value} onInput={(event) => set(event.currentTarget.value)} />}
    </label>
  );
}

/** Something that is asked of the gateway: whether it is under way, and what it was refused for. */
export function useRequest(): { refused: string | null; isAsking: boolean; run(ask: () => Promise<void>): Promise<void> } {
  const { words, lang } = useView();
  const [isAsking, setAsking] = useState(false);
  const [refused, setRefused] = useState<string | null>(null);
  return {
    refused,
    isAsking,
    async run(ask) {
      setAsking(true);
      setRefused(null);
      try {
        await ask();
      } catch (error) {
        setRefused(error instanceof RefusedError ? problemText(error.problem, lang) : words.gone);
      }
      setAsking(false);
    },
  };
}
