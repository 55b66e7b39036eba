import { render } from 'preact';
import { App } from './app';
import { explain, me, rt } from './api';
import './style.css';
import { notice } from './ui';

render(<App />, document.getElementById('app')!);

// Who is signed in is asked once; from then on the client tells.
rt.auth.me().then(
  (now) => (me.value = now),
  (error) => {
    me.value = null;
    notice(`Who you are could not be asked: ${explain(error)}`);
  },
);
