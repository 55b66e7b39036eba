import { createRoot } from 'react-dom/client';
import './styles/tokens.css';
import './styles/base.css';
import './styles/parts.css';
import './styles/shell.css';
import { App } from './app';
import { SessionProvider } from './session';
import { startTheme } from './theme';

startTheme();
createRoot(document.getElementById('app')!).render(<SessionProvider><App /></SessionProvider>);
