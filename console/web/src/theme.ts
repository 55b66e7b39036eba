// Light, dark, or as the reader's system has it.
import { useState } from 'react';

export type Theme = 'auto' | 'light' | 'dark';

const read = (): Theme => {
  try {
    const kept = localStorage.getItem('theme');
    return kept === 'light' || kept === 'dark' ? kept : 'auto';
  } catch {
    return 'auto'; // a browser that keeps nothing
  }
};

export function apply(theme: Theme): void {
  if (theme === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

export function useTheme(): [Theme, (theme: Theme) => void] {
  const [theme, set] = useState(read);
  const change = (to: Theme) => {
    set(to);
    apply(to);
    try {
      localStorage.setItem('theme', to);
    } catch { /* it holds for this page */ }
  };
  return [theme, change];
}

export const startTheme = () => apply(read());
