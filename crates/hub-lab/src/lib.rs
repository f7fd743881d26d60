//! Simulated providers in four dialects, with scripted faults, that count what they answered.
