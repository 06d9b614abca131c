mod bodies;
mod model;
