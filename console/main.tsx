import { render } from 'preact';
import './styles/base.css';
import './styles/parts.css';
import './styles/cameras.css';
import { App } from './shell/app.tsx';

render(<App />, document.getElementById('app') as HTMLElement);
